"""Kurrent's community client for Python against cmd/event-store.ts: run by esdbclient.test.ts."""

import os
import unittest
from uuid import uuid4

from esdbclient import Checkpoint, EventStoreDBClient, NewEvent, StreamState
from esdbclient.events import CaughtUp
from esdbclient.exceptions import (
    AppendDeadlineExceeded,
    GrpcDeadlineExceeded,
    NotFound,
    StreamIsDeleted,
    WrongCurrentVersion,
)


def events(*types, **more):
    return [NewEvent(type=of, data=os.urandom(16), metadata=os.urandom(8), **more) for of in types]


class TestEsdbclient(unittest.TestCase):
    def setUp(self):
        self.client = EventStoreDBClient(os.environ["EVENTSTORE_URL"])
        self.stream = f"order-{uuid4()}"

    def tearDown(self):
        self.client.close()

    def append(self, *types, version=StreamState.ANY):
        new = events(*types)
        position = self.client.append_to_stream(self.stream, current_version=version, events=new)
        return new, position

    def ids(self, **options):
        return [event.id for event in self.client.get_stream(self.stream, **options)]

    def test_appends_one_event_or_many_and_reads_them_both_ways(self):
        (one,) = events("A")
        first = self.client.append_event(
            self.stream, current_version=StreamState.NO_STREAM, event=one
        )
        many, second = self.append("B", "C", version=0)

        self.assertEqual(self.ids(), [one.id, many[0].id, many[1].id])
        self.assertEqual(self.ids(backwards=True, limit=2), [many[1].id, many[0].id])
        self.assertEqual(self.ids(stream_position=1, limit=1), [many[0].id])
        self.assertEqual(self.client.get_current_version(self.stream), 2)
        stored = self.client.get_stream(self.stream)
        self.assertEqual(
            [(event.data, event.metadata, event.content_type) for event in stored],
            [(event.data, event.metadata, event.content_type) for event in [one, *many]],
        )
        self.assertEqual([stored[0].commit_position, stored[2].commit_position], [first, second])
        self.assertEqual(self.client.get_commit_position(filter_exclude=[]), second)

    def test_a_repeat_is_answered_as_before(self):
        new, position = self.append("A", "B", version=StreamState.NO_STREAM)
        for version in (StreamState.NO_STREAM, StreamState.ANY, StreamState.EXISTS):
            again = self.client.append_events(self.stream, current_version=version, events=new)
            self.assertEqual(again, position)
        one = self.client.append_event(self.stream, current_version=0, event=new[1])
        self.assertEqual(one, position)
        self.assertEqual(len(self.ids()), 2)

    def test_a_wrong_version_is_refused(self):
        for append in (
            lambda version: self.client.append_event(
                self.stream, current_version=version, event=events("A")[0]
            ),
            lambda version: self.append("A", version=version),
        ):
            with self.assertRaisesRegex(WrongCurrentVersion, "does not exist"):
                append(1)
        self.append("A")
        with self.assertRaisesRegex(WrongCurrentVersion, "is 0"):
            self.append("A", version=StreamState.NO_STREAM)

    def test_a_stream_that_is_not_there_is_not_found(self):
        with self.assertRaises(NotFound):
            self.client.get_stream(self.stream)
        with self.assertRaises(NotFound):
            self.client.delete_stream(self.stream, current_version=StreamState.ANY)
        self.assertEqual(self.client.get_current_version(self.stream), StreamState.NO_STREAM)

    def test_a_stream_is_deleted_and_comes_back(self):
        self.append("A", "B")
        with self.assertRaises(WrongCurrentVersion):
            self.client.delete_stream(self.stream, current_version=0)
        self.client.delete_stream(self.stream, current_version=1)
        self.client.delete_stream(self.stream, current_version=1)
        with self.assertRaises(StreamIsDeleted):
            self.client.delete_stream(self.stream, current_version=StreamState.EXISTS)
        with self.assertRaises(NotFound):
            self.ids()
        back, _ = self.append("C", version=StreamState.NO_STREAM)
        self.assertEqual(self.client.get_current_version(self.stream), 2)
        self.assertEqual(self.ids(), [back[0].id])

    def test_a_tombstone_is_for_good(self):
        self.append("A")
        with self.assertRaises(WrongCurrentVersion):
            self.client.tombstone_stream(self.stream, current_version=5)
        self.client.tombstone_stream(self.stream, current_version=0)
        for act in (
            self.ids,
            lambda: self.append("B"),
            lambda: self.client.get_current_version(self.stream),
            lambda: self.client.tombstone_stream(self.stream, current_version=StreamState.ANY),
        ):
            with self.assertRaises(StreamIsDeleted):
                act()

    def test_metadata_are_kept_and_truncate(self):
        new, _ = self.append("A", "B", "C")
        self.assertEqual(
            self.client.get_stream_metadata(self.stream), ({}, StreamState.NO_STREAM)
        )
        self.client.set_stream_metadata(
            self.stream, metadata={"$maxCount": 2, "own": "word"}
        )
        self.assertEqual(
            self.client.get_stream_metadata(self.stream), ({"$maxCount": 2, "own": "word"}, 0)
        )
        self.assertEqual(self.ids(), [new[1].id, new[2].id])
        with self.assertRaises(WrongCurrentVersion):
            self.client.set_stream_metadata(self.stream, metadata={}, current_version=5)

    def test_the_log_is_read_from_and_before_a_position(self):
        new, position = self.append("A", "B")
        self.append("C")
        forwards = list(self.client.read_all(commit_position=position))
        backwards = list(self.client.read_all(commit_position=position, backwards=True, limit=1))
        self.assertEqual([event.type for event in forwards], ["B", "C"])
        self.assertEqual([event.id for event in backwards], [new[0].id])

    def test_the_log_is_filtered(self):
        _, position = self.append("OrderCreated", "OrderDeleted", "InvoiceCreated")

        def types(**options):
            first = position - 2
            return [event.type for event in self.client.read_all(commit_position=first, **options)]

        self.assertEqual(types(filter_include="Order.*"), ["OrderCreated", "OrderDeleted"])
        self.assertEqual(types(filter_include=["InvoiceCreated"]), ["InvoiceCreated"])
        self.assertEqual(types(filter_exclude=[r"\$.+", ".*Created"]), ["OrderDeleted"])
        self.assertEqual(len(types(filter_include=self.stream, filter_by_stream_name=True)), 3)

    def test_links_are_followed(self):
        new, _ = self.append("A")
        links = f"links-{uuid4()}"
        target = f"0@{self.stream}".encode()
        link = NewEvent(type="$>", data=target, content_type="application/octet-stream")
        self.client.append_to_stream(links, current_version=StreamState.ANY, events=[link])
        (event,) = self.client.get_stream(links, resolve_links=True)
        self.assertEqual((event.id, event.link.id), (new[0].id, link.id))

    def test_a_subscription_to_a_stream_gives_old_and_new(self):
        old, _ = self.append("A", "B")
        with self.client.subscribe_to_stream(self.stream, include_caught_up=True) as subscription:
            self.assertEqual([next(subscription).id, next(subscription).id], [one.id for one in old])
            self.assertIsInstance(next(subscription), CaughtUp)
            new, _ = self.append("C")
            self.assertEqual(next(subscription).id, new[0].id)

    def test_a_subscription_to_the_log_is_filtered_and_begins_after_a_position(self):
        _, position = self.append("Before")
        wanted = f"Wanted{uuid4().hex}"
        self.append(wanted, "Other")
        with self.client.subscribe_to_all(
            commit_position=position, filter_include=wanted
        ) as subscription:
            self.assertEqual(next(subscription).type, wanted)
            new, _ = self.append("Other", wanted)
            self.assertEqual(next(subscription).id, new[1].id)

    def test_a_subscription_is_told_checkpoints(self):
        _, position = self.append("A", "B", "C")
        with self.client.subscribe_to_all(
            filter_exclude=".*",
            include_checkpoints=True,
            window_size=1,
            checkpoint_interval_multiplier=1,
        ) as subscription:
            for checkpoint in subscription:
                self.assertIsInstance(checkpoint, Checkpoint)
                if checkpoint.commit_position == position:
                    break

    def test_everything_is_there_from_the_start(self):
        self.append("A")
        with self.client.subscribe_to_all(filter_exclude=[]) as subscription:
            self.assertTrue(next(subscription).type.startswith("$"))

    def test_deadlines_end_calls(self):
        self.append("A")
        # The server's answer and the client's own clock are as fast as one another.
        with self.assertRaises((AppendDeadlineExceeded, GrpcDeadlineExceeded)):
            self.client.append_events(
                self.stream, current_version=StreamState.ANY, events=events("B"), timeout=0
            )
        with self.assertRaises(GrpcDeadlineExceeded):
            for _ in self.client.subscribe_to_all(from_end=True, timeout=0.2):
                pass
        self.assertEqual(len(self.ids()), 1)

    def test_a_cluster_of_one_is_discovered(self):
        discover = os.environ["EVENTSTORE_URL"].replace("esdb://", "esdb+discover://")
        with EventStoreDBClient(discover) as client:
            client.append_to_stream(self.stream, current_version=StreamState.ANY, events=events("A"))
        self.assertEqual(len(self.ids()), 1)


if __name__ == "__main__":
    unittest.main()
