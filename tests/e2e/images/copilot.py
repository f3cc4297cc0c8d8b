"""A worker of the copilot's task queue. After SIGUSR1 it goes on, but doesn't poll."""

import asyncio
import os
import signal

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker


@workflow.defn
class Nothing:
    @workflow.run
    async def run(self) -> None:
        pass


async def main() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, stop.set)
    # The first process of a container ignores what it has no handler for.
    loop.add_signal_handler(signal.SIGTERM, lambda: os._exit(0))
    client = await Client.connect(os.environ["TEMPORAL_ADDRESS"])
    async with Worker(client, task_queue="copilot-task-queue", workflows=[Nothing]):
        await stop.wait()
    print("no longer polls", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
