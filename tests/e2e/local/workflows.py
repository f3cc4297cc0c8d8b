"""Makes a Temporal cluster do what its dashboards show, then asks for it. Usage: workflows.py ADDRESS"""

import asyncio
import os
import sys
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import RetryPolicy, WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.worker import Worker


@activity.defn
async def greet(name: str) -> str:
    return f"hello {name}"


@activity.defn
async def fail(kind: str) -> None:
    raise ApplicationError(kind, non_retryable=kind == "once")


@workflow.defn
class Greeting:
    @workflow.run
    async def run(self, name: str) -> str:
        return await workflow.execute_activity(greet, name, start_to_close_timeout=timedelta(seconds=20))


@workflow.defn
class Failing:
    @workflow.run
    async def run(self) -> None:
        twice = RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_attempts=2)
        timeout = timedelta(seconds=20)
        await workflow.execute_activity(fail, "again", start_to_close_timeout=timeout, retry_policy=twice)


@workflow.defn
class Continuing:
    @workflow.run
    async def run(self, left: int) -> None:
        if left:
            workflow.continue_as_new(left - 1)


@workflow.defn
class Waiting:
    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)


@workflow.defn
class Unattended:
    """Its activity has a task queue that nobody polls."""

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(
            greet, "nobody", task_queue="unattended", schedule_to_close_timeout=timedelta(hours=1)
        )


async def ended(handle) -> str:
    try:
        return f"{await handle.result()}"
    except WorkflowFailureError as error:
        return type(error.cause).__name__


async def main(address: str) -> None:
    client = await Client.connect(address)
    queue = "greetings"
    workflows = [Greeting, Failing, Continuing, Waiting, Unattended]

    async def start(method, *arguments, id=None, queue=queue, **options):
        id = id or method.__qualname__.split(".")[0].lower()
        again = WorkflowIDConflictPolicy.TERMINATE_EXISTING
        return await client.start_workflow(
            method, *arguments, id=id, task_queue=queue, id_conflict_policy=again, **options
        )

    # Their tasks wait in the backlogs of the queue's partitions: nobody polls it before everything else is done. The
    # server only measures those whose partition is polled itself, so there are several.
    late = [await start(Greeting.run, "late", id=f"late-{number}", queue="late") for number in range(20)]
    async with Worker(client, task_queue=queue, workflows=workflows, activities=[greet, fail]):
        print("Greeting", await ended(await start(Greeting.run, "stack")))
        print("Failing", await ended(await start(Failing.run)))
        print("Continuing", await ended(await start(Continuing.run, 1)))
        timing_out = await start(Waiting.run, execution_timeout=timedelta(seconds=1))
        print("Waiting", await ended(timing_out))
        terminated = await start(Waiting.run)
        await terminated.terminate()
        print("Waiting", await ended(terminated))
        await start(Unattended.run)
        try:
            await client.get_workflow_handle("missing").describe()
        except RPCError as error:
            print("missing", error.status.name)
        # Visibility comes after.
        async with asyncio.timeout(60):
            while not [one async for one in client.list_workflows("WorkflowType = 'Greeting' AND ExecutionStatus = 'Completed'")]:
                await asyncio.sleep(0.2)
        print("found", "greeting")
    async with Worker(client, task_queue="late", workflows=workflows, activities=[greet]):
        for handle in late:
            await handle.result()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
    # The SDK's threads outlive the interpreter, which then crashes at times.
    sys.stdout.flush()
    os._exit(0)
