"""Exits with 0 if a worker of this host has polled a task queue lately, with 1 otherwise.

Usage: poller.py TASK_QUEUE, with the address of Temporal in TEMPORAL_ADDRESS and the namespace in TEMPORAL_NAMESPACE
(`default` if it isn't set). It needs the package `temporalio`, which every worker has.
"""

import asyncio
import os
import socket
import sys
import time

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

# A poll ends after at most 60 seconds, then the next one begins.
LATELY = 90


async def polls(task_queue: str) -> bool:
    namespace = os.environ.get("TEMPORAL_NAMESPACE", "default")
    client = await Client.connect(os.environ["TEMPORAL_ADDRESS"], namespace=namespace)
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=namespace,
            task_queue=TaskQueue(name=task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    # The identity of a worker is PID@HOST unless its program chooses another.
    own = "@" + socket.gethostname()
    since = time.time() - LATELY
    return any(
        poller.identity.endswith(own) and poller.last_access_time.seconds >= since for poller in answer.pollers
    )


code = 1
try:
    if asyncio.run(polls(sys.argv[1])):
        code = 0
    else:
        print(f"no worker of {socket.gethostname()} has polled {sys.argv[1]} for {LATELY} seconds")
except Exception as error:
    print(f"{type(error).__name__}: {error}")
finally:
    sys.stdout.flush()
    # Threads of the client's core can outlive the interpreter and crash while it ends.
    os._exit(code)
