"""Messages in files, for an installation without a server for them; and queues that stand as an older release made them."""

import logging
from queue import Empty
from typing import Any

from amqp.exceptions import PreconditionFailed
from celery import Celery
from celery.signals import worker_init
from kombu.transport import filesystem

log = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    def _get(self, queue: str, timeout: Any = None) -> Any:
        """The next whole message. One that a full disk cut short would end the worker; the ledger sends another."""
        while True:
            try:
                return super()._get(queue)
            except Empty:
                raise
            except ValueError as error:
                log.warning("a message of %s was cut short and is dropped: %s", queue, error)


def install() -> None:
    """Have broker addresses that begin with filesystem:// use this channel."""
    filesystem.Transport.Channel = Channel


@worker_init.connect
def renew_queues(sender: Any, **kwargs: Any) -> None:
    """RabbitMQ refuses a worker whose queue stands with other arguments: it is made anew.

    The messages in it only wake; the ledger sends them again.
    """
    app: Celery = sender.app
    try:
        with app.connection_for_write(connect_timeout=5) as connection:
            if connection.transport.driver_type != "amqp":
                return
            for queue in app.amqp.queues.values():
                try:
                    queue(connection.channel()).declare()
                except PreconditionFailed as refusal:
                    log.warning("the queue %s is made anew: %s", queue.name, refusal)
                    queue(connection.channel()).delete()
    except OSError as error:  # the worker itself waits for its broker
        log.info("the queues were not looked at, the broker does not answer: %s", error)
