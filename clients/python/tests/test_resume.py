"""The table of cases of `src/client/resume/`, under the same names."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from adsum.protocol import FeedReadyOutcome as Outcome
from adsum.protocol import RefusalCode, Send, Sent, Unsubscribe, Unsubscribed
from adsum.resume import ITEMS_HELD_MAX, Arrived, BackOff, Fault, FeedResume, Kind, Position, Requests, Unsaved

Feed = FeedResume[int]


def cursor(key: int, position: int) -> bytes:
    return bytes([key]) + position.to_bytes(8, "big")


def arrived(number: int, position: int, key: int = 0) -> Arrived[int]:
    return Arrived(number, cursor(key, position), position, 10, position)


def opened(kind: Kind) -> Feed:
    feed: Feed = FeedResume(kind)
    assert feed.open() == b""
    feed.ready(Outcome.FRESH, cursor(0, 0))
    return feed


def handed(feed: Feed) -> Iterator[tuple[int, int, bool]]:
    while (one := feed.next_item()) is not None:
        yield one.number, one.item, one.anew


def drain(feed: Feed) -> list[int]:
    return [item for _, item, _ in handed(feed)]


def save(feed: Feed) -> None:
    unsaved = feed.unsaved()
    if unsaved is not None:
        feed.saved(unsaved)


def take_all(feed: Feed) -> list[int]:
    all_of_it = list(handed(feed))
    if all_of_it:
        feed.taken(all_of_it[-1][0])
    save(feed)
    return [item for _, item, _ in all_of_it]


def unsaved_cursor(feed: Feed) -> bytes:
    unsaved = feed.unsaved()
    assert unsaved is not None
    return unsaved.position.cursor


def number_of(feed: Feed) -> int:
    one = feed.next_item()
    assert one is not None
    return one.number


def test_numbers_that_are_not_one_two_three_are_a_fault() -> None:
    feed = opened(Kind.INBOX)
    feed.arrived(arrived(1, 4))
    for number in (3, 1):
        with pytest.raises(Fault, match=f"event {number} of a feed came where 2 is due"):
            feed.arrived(arrived(number, 6))


def test_an_event_before_the_feed_is_open_is_a_fault() -> None:
    feed: Feed = FeedResume(Kind.PRESENCE)
    with pytest.raises(Fault):
        feed.arrived(arrived(1, 1))
    feed.open()
    with pytest.raises(Fault):
        feed.arrived(arrived(1, 1))
    with pytest.raises(Fault):
        feed.caught_up(cursor(0, 1))
    feed.ready(Outcome.FRESH, cursor(0, 0))
    with pytest.raises(Fault):
        feed.ready(Outcome.FRESH, cursor(0, 0))


def test_the_position_moves_only_when_the_application_has_taken() -> None:
    feed = opened(Kind.INBOX)
    feed.arrived(arrived(1, 1))
    feed.arrived(arrived(2, 2))
    first = number_of(feed)
    number_of(feed)
    assert feed.unsaved() is None
    assert feed.next_acknowledgement() is None
    feed.taken(first)
    assert unsaved_cursor(feed) == cursor(0, 1)


def test_an_item_is_acknowledged_only_after_its_position_is_saved() -> None:
    feed = opened(Kind.INBOX)
    feed.arrived(arrived(1, 1))
    feed.taken(number_of(feed))
    assert feed.next_acknowledgement() is None
    save(feed)
    assert feed.next_acknowledgement() == cursor(0, 1)
    assert not feed.is_settled()
    feed.acknowledged(cursor(0, 1))
    assert feed.is_settled()


def test_taking_an_item_takes_all_before_it_and_none_behind() -> None:
    feed = opened(Kind.PRESENCE)
    for number in (1, 2, 3):
        feed.arrived(arrived(number, number))
    number_of(feed)
    second = number_of(feed)
    feed.taken(second)
    assert unsaved_cursor(feed) == cursor(0, 2)
    assert drain(feed) == [3]
    feed.taken(second)
    assert unsaved_cursor(feed) == cursor(0, 2)


def test_a_new_connection_begins_behind_what_was_received_and_repeats_the_acknowledgement() -> None:
    feed = opened(Kind.INBOX)
    feed.arrived(arrived(1, 1))
    feed.arrived(arrived(2, 2))
    first = number_of(feed)
    feed.lost()
    feed.taken(first)
    save(feed)
    assert feed.next_acknowledgement() is None, "there is no connection"
    assert feed.open() == cursor(0, 2)
    feed.ready(Outcome.RESUMED, cursor(0, 0))
    assert feed.next_acknowledgement() == cursor(0, 1)
    feed.arrived(arrived(1, 3))
    assert drain(feed) == [2, 3]


def test_in_another_past_what_bears_an_old_number_is_new_and_the_position_is_where_the_server_begins() -> None:
    feed = opened(Kind.INBOX)
    for number in (1, 2, 3):
        feed.arrived(arrived(number, number))
    first, second = number_of(feed), number_of(feed)
    feed.taken(first)
    save(feed)
    feed.lost()
    feed.open()
    feed.ready(Outcome.ANEW, cursor(9, 1))
    assert feed.next_acknowledgement() is None, "the old cursor would be a forgery"
    assert unsaved_cursor(feed) == cursor(9, 1)
    feed.arrived(arrived(1, 2, key=9))
    feed.taken(second)
    assert unsaved_cursor(feed) == cursor(9, 1), "it has no place there"
    assert drain(feed) == [3, 2], "what had come is handed out, then what the server has"
    feed.taken(4)
    assert unsaved_cursor(feed) == cursor(9, 2)
    save(feed)
    assert feed.next_acknowledgement() == cursor(9, 2)


def test_presence_sent_anew_over_two_connections_is_marked_to_its_end() -> None:
    feed = opened(Kind.PRESENCE)
    feed.arrived(arrived(1, 7))
    feed.caught_up(cursor(0, 7))
    drain(feed)
    feed.lost()
    feed.open()
    feed.ready(Outcome.ANEW, cursor(9, 0))
    feed.arrived(arrived(1, 3, key=9))
    feed.lost()
    assert feed.open() == cursor(9, 3)
    feed.ready(Outcome.RESUMED, cursor(0, 0))
    feed.arrived(arrived(1, 7, key=9))
    feed.caught_up(cursor(9, 7))
    feed.arrived(arrived(2, 8, key=9))
    assert [(item, anew) for _, item, anew in handed(feed)] == [(3, True), (7, True), (8, False)]


def test_presence_sent_anew_is_handed_out_and_marked() -> None:
    feed = opened(Kind.PRESENCE)
    feed.arrived(arrived(1, 5))
    feed.caught_up(cursor(0, 6))
    assert take_all(feed) == [5]
    feed.lost()
    assert feed.open() == cursor(0, 6)
    feed.ready(Outcome.ANEW, cursor(9, 0))
    feed.arrived(arrived(1, 5, key=9))
    feed.caught_up(cursor(9, 6))
    feed.arrived(arrived(2, 7, key=9))
    assert [(item, anew) for _, item, anew in handed(feed)] == [(5, True), (7, False)]


def test_being_caught_up_is_a_position_too_once_everything_before_is_taken() -> None:
    feed = opened(Kind.PRESENCE)
    feed.caught_up(cursor(0, 8))
    assert unsaved_cursor(feed) == cursor(0, 8)
    feed = opened(Kind.PRESENCE)
    feed.arrived(arrived(1, 5))
    feed.caught_up(cursor(0, 8))
    assert feed.unsaved() is None
    take_all(feed)
    assert feed.saved_position.cursor == cursor(0, 8)


def test_reading_from_the_start_never_moves_the_position_back_but_opens_the_window() -> None:
    feed: Feed = FeedResume(Kind.INBOX, Position(cursor(0, 2), 2), from_start=True)
    assert feed.open() == b""
    feed.ready(Outcome.FRESH, cursor(0, 0))
    assert feed.next_acknowledgement() == cursor(0, 2)
    feed.arrived(arrived(1, 1))
    assert take_all(feed) == [1]
    assert feed.saved_position.sequence == 2
    assert feed.next_acknowledgement() == cursor(0, 1)
    feed.arrived(arrived(2, 2))
    feed.arrived(arrived(3, 3))
    assert take_all(feed) == [2, 3]
    assert feed.saved_position.sequence == 3


def test_looking_without_taking_saves_and_acknowledges_nothing_and_reopens_before_the_window_closes() -> None:
    feed = opened(Kind.INBOX_KEPT)
    for number in range(1, 129):
        assert not feed.must_reopen()
        feed.arrived(arrived(number, number))
    assert feed.must_reopen()
    assert len(drain(feed)) == 128
    assert (feed.unsaved(), feed.next_acknowledgement()) == (None, None)
    assert feed.open() == cursor(0, 128)
    assert not feed.must_reopen()


def test_an_application_that_takes_nothing_makes_the_reader_stop() -> None:
    feed = opened(Kind.INBOX)
    number = 0
    while feed.has_room():
        number += 1
        feed.arrived(arrived(number, number))
    assert number == ITEMS_HELD_MAX
    take_all(feed)
    assert feed.has_room()


def test_one_confirmation_for_several_acknowledgements_settles_them_all() -> None:
    feed = opened(Kind.INBOX)
    for number in (1, 2):
        feed.arrived(arrived(number, number))
        take_all(feed)
        assert feed.next_acknowledgement() is not None
    feed.acknowledged(cursor(0, 2))
    assert feed.is_settled()


class World:
    """A server with one inbox, and a client that is cut off, killed and met with new keys."""

    def __init__(self) -> None:
        self.head, self.acknowledged, self.key = 0, 0, 0
        self.sent = (0, 0)
        self.feed: Feed = FeedResume(Kind.INBOX)
        self.position = Position()
        self.saving: Unsaved | None = None
        self.out: list[tuple[int, int]] = []
        self.expected = 1
        #: What may come again, each once: what was not acknowledged when the server forgot its key.
        self.again: list[int] = []
        self.connect()

    def connect(self) -> None:
        self.feed.lost()
        given = self.feed.open()
        if given == b"":
            outcome, after = Outcome.FRESH, self.acknowledged
        elif given[0] == self.key:
            outcome, after = Outcome.RESUMED, int.from_bytes(given[1:], "big")
        else:
            outcome, after = Outcome.ANEW, self.acknowledged
        self.sent = (0, after)
        self.feed.ready(outcome, cursor(self.key, after))

    def send(self) -> None:
        number, position = self.sent
        if position < self.head and self.feed.has_room():
            self.sent = (number + 1, position + 1)
            self.feed.arrived(arrived(number + 1, position + 1, self.key))

    def hand(self) -> None:
        one = self.feed.next_item()
        if one is not None:
            if one.item != self.expected:
                assert one.item in self.again, "only what was not acknowledged comes again"
                del self.again[: self.again.index(one.item) + 1]
            self.expected = one.item + 1
            self.out.append((one.number, one.item))

    def take(self) -> None:
        if self.out:
            half = len(self.out) // 2
            self.feed.taken(self.out[half][0])
            del self.out[: half + 1]

    def save(self) -> None:
        if self.saving is not None:
            self.feed.saved(self.saving)
        self.saving = self.feed.unsaved()
        if self.saving is not None:
            same = self.saving.position.cursor[:1] == self.position.cursor[:1]
            moved_on = self.saving.position.sequence >= self.position.sequence
            assert not same or moved_on, "the position moved back"
            self.position = self.saving.position

    def acknowledge(self) -> None:
        sent = self.feed.next_acknowledgement()
        if sent is not None:
            assert sent[0] == self.key, "a cursor of another key was sent back"
            self.acknowledged = max(self.acknowledged, int.from_bytes(sent[1:], "big"))
            self.feed.acknowledged(sent)
            assert self.acknowledged <= int.from_bytes(self.position.cursor[1:], "big")

    def accept(self) -> None:
        self.head += 1

    def forget_key(self) -> None:
        self.key = (self.key + 1) % 256
        self.again.append(self.acknowledged + 1)
        self.connect()

    def crash(self) -> None:
        self.feed = FeedResume(Kind.INBOX, self.position)
        self.out, self.saving = [], None
        is_known = self.position.cursor[:1] == bytes([self.key])
        self.expected = 1 + (int.from_bytes(self.position.cursor[1:], "big") if is_known else self.acknowledged)
        self.again.clear()
        self.connect()

    def finish(self) -> None:
        for _ in range(self.head + 1 + ITEMS_HELD_MAX):
            self.send()
            self.hand()
        if self.out:
            self.feed.taken(self.out[-1][0])
        for _ in range(4):
            self.save()
            self.acknowledge()


@pytest.mark.parametrize("seed", range(200))
def test_cuts_and_crashes_neither_lose_nor_repeat_a_message_and_lost_keys_lose_none(seed: int) -> None:
    chance = random.Random(seed)
    world = World()
    steps = {"accept": 4, "send": 6, "hand": 6, "take": 4, "save": 3, "acknowledge": 3, "connect": 1, "forget_key": 1, "crash": 1}
    for step in chance.choices(list(steps), list(steps.values()), k=chance.randrange(1, 300)):
        getattr(world, step)()
    world.finish()
    assert world.expected == world.head + 1
    assert world.position.cursor == b"" or int.from_bytes(world.position.cursor[1:], "big") == world.head
    assert world.feed.is_settled()


def write_all(requests: Requests) -> list[int]:
    numbers = []
    while (one := requests.next_to_write()) is not None:
        numbers.append(one.request)  # type: ignore[union-attr]
    return numbers


def submit(requests: Requests, name: str) -> str:
    requests.submit(Send(inbox="im:b@localhost", id=name, content_type="text/plain", body=b"x"), name)
    return name


def test_unanswered_requests_are_written_again_in_order_under_fresh_numbers() -> None:
    requests = Requests()
    names = [submit(requests, name) for name in ("a", "b", "c")]
    assert write_all(requests) == [1, 2, 3]
    assert requests.answered(1, Sent(1)) == (names[0], Sent(1))
    requests.connected()
    assert write_all(requests) == [1, 2]
    assert requests.answered(1, Sent(1)) == (names[1], Sent(1))


def test_an_answer_out_of_order_or_to_nothing_is_a_fault() -> None:
    requests = Requests()
    with pytest.raises(Fault):
        requests.answered(1, Sent(1))
    submit(requests, "a")
    with pytest.raises(Fault):
        requests.answered(1, Sent(1))
    write_all(requests)
    with pytest.raises(Fault, match="request 2 came where 1 is due"):
        requests.answered(2, Sent(2))


def test_a_request_that_a_leaving_server_did_not_take_is_kept_for_the_next_connection() -> None:
    requests = Requests()
    first, second = submit(requests, "a"), submit(requests, "b")
    write_all(requests)
    assert requests.answered(1, int(RefusalCode.GOING_AWAY)) is None
    assert requests.answered(2, int(RefusalCode.GOING_AWAY)) is None
    assert write_all(requests) == [], "not on this connection"
    requests.connected()
    assert write_all(requests) == [1, 2]
    assert requests.answered(1, Sent(1)) == (first, Sent(1))
    assert requests.answered(2, Sent(2)) == (second, Sent(2))


def test_a_repeat_that_finds_its_work_done_succeeds_and_a_first_time_does_not() -> None:
    gone = int(RefusalCode.NO_SUBSCRIPTION)
    requests = Requests()
    requests.submit(Unsubscribe(presentity="pres:b@localhost"), "a")
    write_all(requests)
    assert requests.answered(1, gone) == ("a", gone)
    requests.submit(Unsubscribe(presentity="pres:b@localhost"), "b")
    write_all(requests)
    requests.connected()
    write_all(requests)
    assert requests.answered(1, gone) == ("b", Unsubscribed())


def test_what_broke_the_protocol_is_not_repeated_and_what_was_not_written_is_kept() -> None:
    requests = Requests()
    first = submit(requests, "a")
    write_all(requests)
    second = submit(requests, "b")
    assert requests.abandon_written() == [first]
    requests.connected()
    assert write_all(requests) == [1]
    assert requests.answered(1, Sent(1)) == (second, Sent(1))


def test_there_is_room_for_a_bounded_number() -> None:
    requests = Requests()
    for number in range(1_024):
        submit(requests, str(number))
    assert not requests.has_room()


def test_what_nobody_waits_for_is_not_sent_and_its_answer_still_counts() -> None:
    requests = Requests()
    first = submit(requests, "a")
    write_all(requests)
    second = submit(requests, "b")
    requests.withdraw(first)
    requests.withdraw(second)
    assert requests.is_written(first)
    assert write_all(requests) == []
    assert requests.answered(1, Sent(1)) == (first, Sent(1))
    third = submit(requests, "c")
    write_all(requests)
    requests.withdraw(third)
    requests.connected()
    assert write_all(requests) == [], "it is not repeated either"


def test_waits_are_short_first_and_bounded_later() -> None:
    back_off = BackOff()
    assert all(back_off.next_wait(0.999) < 0.25 for _ in range(12))
    assert [round(back_off.next_wait(1.0), 1) for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    back_off.lost_after(60)
    back_off.stay_away(5)
    assert back_off.next_wait(0) == 5
