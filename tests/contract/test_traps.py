"""The 48 traps of the fact sheet and the rows of its checklist, each with the tests that guard it.

A test named here fails if we fall into the trap (or lose the behaviour). The tables are checked: no
number is missing, every test exists, and none of them is without an assertion or switched off. What
had no test elsewhere has one at the end of this file.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from core.exchange.records import Side
from core.exchange.wire.markets import MarketJson
from tests.contract.test_rest_face import BODY, ORDERS, Raw
from tests.contract.venue import CLOSES, TICKER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.contract.venue import Venue

TESTS = Path(__file__).resolve().parents[1]
_OFF = frozenset({"skip", "xfail"})

TRAPS: dict[int, tuple[str, str]] = {
    1: ("money is on another shard", "test_c06_cash_that_is_not_on_the_shard_is_refused"),
    2: (
        "a cancel without its route",
        (
            "test_c17_a_cancel_without_ticker_and_shard_looks_on_shard_0"
            " test_a_cancel_names_ticker_and_shard_and_says_what_went"
        ),
    ),
    3: (
        "an order without its shard",
        (
            "test_c16_without_a_shard_the_order_is_routed_by_its_ticker"
            " test_an_order_that_the_venue_routes_bills_the_unscoped_bucket_and_every_shard"
            " test_a_create_says_everything_that_was_asked_for"
        ),
    ),
    4: ("the endpoints of V1", "test_r10_the_endpoints_before_v2_are_gone"),
    5: ("buying NO at a NO price", "test_a_wish_for_no_is_an_ask_at_the_yes_price"),
    6: ("amend counts the filled part", "test_c19_an_amend_counts_what_is_filled_already"),
    7: ("reduce_only with GTC", "test_c11_reduce_only_needs_ioc_and_stops_at_flat"),
    8: (
        "201 is not a fill",
        (
            "test_c02_an_ioc_that_finds_nothing_is_accepted_with_nothing_filled"
            " test_an_unfilled_immediate_order_closes_at_once"
        ),
    ),
    9: (
        "a killed FOK burns its id",
        "test_c09_a_fill_or_kill_that_cannot_fill_is_refused_and_burns_its_id",
    ),
    10: (
        "a lost create sent again under a new id",
        (
            "test_a_create_without_an_answer_is_ambiguous_and_its_own_id_finds_it_again"
            " test_a_lost_answer_is_unknown_and_the_order_is_found_when_asked_for"
            " test_the_daemon_survives_with_books_equal_to_the_cent"
        ),
    ),
    11: (
        "own channels have no sequence",
        (
            "test_s09_own_channels_have_no_seq test_a_stream_that_came_back_is_backfilled"
            " test_the_same_fill_by_stream_and_by_question_is_booked_once"
        ),
    ),
    12: (
        "a fill before its 201",
        "test_a_fill_before_the_answer_is_booked_and_waits_for_the_answer",
    ),
    13: (
        "a cancel that answers 404",
        "test_c18_a_cancel_of_a_filled_order_is_not_found test_a_cancel_that_failed_is_looked_into",
    ),
    14: (
        "the tail of cancel-all",
        (
            "test_cancel_all_cancels_one_by_one_and_proves_that_nothing_rests"
            " test_what_rests_within_the_tail_of_a_cancel_all_is_cancelled_too"
        ),
    ),
    15: ("cancels after the close", "test_c27_a_closed_market_refuses_orders_and_cancels"),
    16: (
        "expected_expiration_time is not the close",
        "test_the_close_is_the_close_whatever_expiration_is_expected",
    ),
    17: (
        "tickers tell New York's time",
        (
            "test_ticker_spells_the_close_in_new_york_time"
            " test_winter_tickers_are_five_hours_behind"
            " test_the_repeated_hour_is_told_apart_by_close_time"
        ),
    ),
    18: (
        "the windowed average is not the settlement",
        (
            "test_the_final_minute_mean_is_not_the_settlement_mean"
            " test_c30_a_window_settles_on_the_mean_of_its_last_sixty_prints"
        ),
    ),
    19: (
        "rounding, and ties are YES",
        (
            "test_the_mean_is_rounded_half_up_and_a_tie_is_yes"
            " test_tie_mass_counts_where_the_unit_is_coarse"
        ),
    ),
    20: (
        "the strike comes late",
        (
            "test_c32_rest_shows_the_strike_and_the_result_later_than_they_are"
            " test_s14_the_strike_comes_by_the_lifecycle_half_a_second_after_the_open"
            " test_a_strike_is_shown_when_it_is_published_and_not_taken_back_by_a_late_listing"
        ),
    ),
    21: (
        "quotes after the close are stale",
        (
            "test_rest_shows_strike_result_and_end_of_quotes_late"
            " test_the_book_of_a_closed_market_is_not_asked_for"
        ),
    ),
    22: (
        "thousands commas",
        "test_thousands_commas_of_a_settlement_value_are_read",
    ),
    23: ("trimmed fractions of seconds", "test_every_number_of_fractional_digits_is_read"),
    24: (
        "subscribed is not data",
        (
            "test_s17_index_channels_are_silent_until_they_are_told_which"
            " test_s21_an_unknown_market_is_subscribed_in_silence"
            " test_a_snapshot_that_does_not_come"
            "_is_asked_for_again_and_then_the_connection_given_up"
        ),
    ),
    25: (
        "a socket that is open and dead",
        (
            "test_silence_is_a_loss test_tickers_that_go_on_contradicting_void_the_book"
            " test_a_stalled_socket_is_silent_and_then_tells_everything"
        ),
    ),
    26: (
        "control replies count",
        (
            "test_s02_seq_counts_every_message_of_the_sid_control_replies_included"
            " test_control_replies_count_in_the_sequence"
        ),
    ),
    27: (
        "use_yes_price will flip",
        (
            "test_s04_yes_prices_mirror_the_no_leg test_commands_look_as_documented"
            " test_a_book_that_stays_crossed_is_void"
        ),
    ),
    28: (
        "the best level is the last",
        (
            "test_r26_books_are_bids_ascending_with_both_keys test_no_bids_are_yes_asks"
            " test_a_recorded_book_is_read_best_level_first"
        ),
    ),
    29: (
        "old keys read as nothing",
        (
            "test_the_old_book_under_its_old_key_fails test_a_missing_field_that_we_need_fails"
            " test_a_missing_side_is_an_empty_one_and_a_renamed_one_is_no_book"
        ),
    ),
    30: (
        "dust at the touch",
        "test_dust_is_no_depth test_dust_alone_is_no_offer_and_is_climbed_over",
    ),
    31: (
        "the tick changes at 0.10 and 0.90",
        "test_ticks_change_width_at_ten_and_ninety_cents test_rounding_on_the_tapered_grid",
    ),
    32: ("post-only crosses", "test_c10_a_post_only_order_that_would_cross_is_refused"),
    33: (
        "a batch is 201 with errors in it",
        (
            "test_r08_a_batch_answers_each_item_for_itself"
            " test_k10_a_batch_gives_each_order_its_own_answer"
        ),
    ),
    34: (
        "a 429 names no time",
        (
            "test_a_429_is_a_bare_string_without_any_header_of_limits"
            " test_orders_leave_a_reserve_that_cancels_may_use"
        ),
    ),
    35: (
        "the balance is asked rarely",
        (
            "test_the_balance_has_a_bucket_of_its_own_of_one_a_second"
            " test_the_balance_is_asked_once_a_second_and_leaves_other_reads_alone"
        ),
    ),
    36: ("the default subaccount differs", "test_another_subaccount_is_refused_and_not_ignored"),
    37: (
        "a group on shard 0",
        (
            "test_a_group_on_shard_0_is_useless_for_crypto"
            " test_k15_a_group_without_its_shard_is_on_shard_0_and_of_no_use"
            " test_an_order_of_a_group_that_is_not_there_is_refused"
        ),
    ),
    38: (
        "reactivation clears quotes",
        (
            "test_a_market_paused_comes_back_without_its_orders"
            " test_a_pause_of_a_market_ends_with_an_empty_own_book"
        ),
    ),
    39: (
        "legacy words of direction",
        "test_r18_an_ask_is_a_sale_of_yes_in_the_legacy_words",
    ),
    40: (
        "portfolio reads lag",
        (
            "test_a_list_that_may_be_old_proves_nothing"
            " test_absence_is_proof_only_when_the_answer_reaches_beyond_the_sending"
            " test_the_stream_is_ahead_of_the_reads_and_the_timestamp_says_by_how_much"
        ),
    ),
    41: (
        "resting orders reserve cash",
        (
            "test_resting_on_both_sides_reserves_twice"
            " test_money_that_is_reserved_elsewhere_is_not_spent_again"
        ),
    ),
    42: (
        "adverse selection",
        (
            "test_adverse_selection_is_positive_when_the_leg_lost_value"
            " test_a_fee_can_turn_an_advantage_into_a_rejection"
        ),
    ),
    43: (
        "coins move together",
        (
            "test_another_coin_in_the_window_takes_its_correlation"
            " test_correlated_bets_share_one_stake"
        ),
    ),
    44: (
        "fills at the middle that never were",
        (
            "test_an_order_takes_what_the_recorded_book_offers"
            " test_pessimism_reaches_the_front_once_nothing_is_behind"
        ),
    ),
    45: ("profit on demo", "test_local_and_paper_arm_themselves_and_live_waits"),
    46: (
        "old rows leave the live endpoints",
        (
            "test_a_start_asks_back_to_the_last_news_of_the_journal"
            " test_old_orders_and_fills_are_in_the_archive_alone"
        ),
    ),
    47: (
        "own orders meet",
        (
            "test_c13_own_orders_never_trade_with_each_other"
            " test_maker_prevention_cancels_the_own_order_and_trades_on"
        ),
    ),
    48: (
        "a market that is not listed yet",
        "test_markets_are_asked_for_until_the_running_one_has_its_strike",
    ),
}

CHECKLIST: dict[str, str] = {
    "auth": "test_r12_a_request_without_headers_is_refused"
    " test_r13_an_unknown_key_a_wrong_text_and_a_wrong_time_are_refused"
    " test_r15_an_rsa_key_signs_as_well",
    "REST prefix": "test_r14_the_query_is_not_signed_and_the_prefix_is",
    "create": "test_r01_a_create_answers_201_in_the_shape_of_the_venue"
    " test_c07_a_price_off_the_grid_is_refused test_c06_cash_that_is_not_on_the_shard_is_refused"
    " test_c05_a_used_client_order_id_is_refused_and_places_nothing"
    " test_c09_a_fill_or_kill_that_cannot_fill_is_refused_and_burns_its_id"
    " test_a_create_without_an_answer_is_ambiguous_and_its_own_id_finds_it_again"
    " test_a_slow_answer_is_the_right_one",
    "cancel": "test_c17_a_cancel_without_ticker_and_shard_looks_on_shard_0"
    " test_c18_a_cancel_of_a_filled_order_is_not_found"
    " test_c27_a_closed_market_refuses_orders_and_cancels",
    "matching": "test_better_prices_trade_first_then_older_orders"
    " test_trades_happen_at_the_resting_price test_c14_dust_trades_and_less_than_a_hundredth"
    "_does_not_exist test_where_a_decrease_without_a_trade_comes_from",
    "fees": "test_taker_fees_are_those_of_the_fact_sheet"
    " test_makers_pay_the_share_of_their_series test_all_recorded_fills_of_2026_july_are_exact",
    "positions": "test_c24_selling_what_is_held_nets_and_realises test_one_order_closes_and_flips",
    "clock": "test_no_window_closes_in_the_thursday_gap test_the_delays_can_be_switched"
    " test_s14_the_strike_comes_by_the_lifecycle_half_a_second_after_the_open"
    " test_windows_abut_and_the_old_one_closes_first",
    "settlement": "test_c30_a_window_settles_on_the_mean_of_its_last_sixty_prints"
    " test_a_window_goes_through_its_life_at_the_times_of_the_timeline"
    " test_a_settlement_that_is_late_comes"
    " test_the_tail_of_settlements_is_the_recorded_one"
    " test_a_market_of_the_tail_settles_that_much_later_and_once",
    "WS": "test_s02_seq_counts_every_message_of_the_sid_control_replies_included"
    " test_s03_an_empty_side_is_left_out_and_an_empty_book_still_snapshots"
    " test_s28_a_client_that_insists_on_empty_sides_can_have_them"
    " test_s04_yes_prices_mirror_the_no_leg"
    " test_s05_only_the_owner_sees_the_client_order_id_of_a_delta"
    " test_a_dropped_frame_is_a_gap_in_the_numbers test_a_connection_is_cut"
    " test_a_subscription_ends_with_its_error_and_its_neighbours_live"
    " test_a_stalled_socket_is_silent_and_then_tells_everything",
    "reference": "test_s16_the_index_comes_each_second_with_its_means"
    " test_the_index_is_published_five_times_a_second"
    " test_repeated_and_late_index_stamps_are_dropped"
    " test_prints_in_a_hole_are_lost_for_the_stream_and_for_the_settlement",
    "limits": "test_ten_creates_empty_the_write_bucket_and_a_tenth_of_a_second_buys_one"
    " test_a_429_is_a_bare_string_without_any_header_of_limits test_costs_are_listed"
    " test_a_tier_has_its_own_limits_and_an_unknown_one_is_refused",
    "status": "test_r27_series_events_status_and_schedule_are_served"
    " test_trading_pauses_and_resumes_by_itself"
    " test_a_market_paused_comes_back_without_its_orders"
    " test_trading_pauses_on_thursday_morning_and_says_until_when"
    " test_k09_a_venue_that_is_down_still_tells_its_status",
    "lag": "test_r30_the_freshness_of_portfolio_reads_is_told"
    " test_the_stream_is_ahead_of_the_reads_and_the_timestamp_says_by_how_much"
    " test_payout_position_and_cash_arrive_together",
}


@cache
def places() -> dict[str, tuple[Path, ast.FunctionDef]]:
    """Every test function of the suite by name, and its file; of equal names the last."""
    return {
        node.name: (path, node)
        for path in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def node_ids(names: Iterable[str]) -> list[str]:
    """What pytest calls these tests, from the root of the tree."""
    return [f"{places()[name][0].relative_to(TESTS.parent)}::{name}" for name in names]


@cache
def known() -> dict[str, ast.FunctionDef]:
    """Every test function of the suite by name."""
    return {name: node for name, (_, node) in places().items()}


def faults_of(name: str) -> str:
    """What is wrong with a test that is named as a guard; empty if nothing is."""
    node = known().get(name)
    if node is None:
        return "does not exist"
    marks = {
        n.attr for d in node.decorator_list for n in ast.walk(d) if isinstance(n, ast.Attribute)
    }
    if marks & _OFF:
        return "is switched off"
    calls = (n for n in ast.walk(node) if isinstance(n, ast.Call))
    names = {getattr(call.func, "attr", getattr(call.func, "id", "")) for call in calls}
    if any(isinstance(n, ast.Assert) for n in ast.walk(node)) or "raises" in names:
        return ""
    return "asserts nothing"


def test_every_trap_has_its_number() -> None:
    assert sorted(TRAPS) == list(range(1, 49))


@pytest.mark.parametrize("trap", sorted(TRAPS))
def test_a_trap_is_guarded_by_tests_that_can_fail(trap: int) -> None:
    assert {name: faults_of(name) for name in TRAPS[trap][1].split() if faults_of(name)} == {}


@pytest.mark.parametrize("row", CHECKLIST)
def test_a_row_of_the_checklist_is_guarded_by_tests_that_can_fail(row: str) -> None:
    assert {name: faults_of(name) for name in CHECKLIST[row].split() if faults_of(name)} == {}


# --- traps without a test elsewhere


def test_the_close_is_the_close_whatever_expiration_is_expected(served: Venue) -> None:
    told = Raw(served).ask("GET", f"/markets/{TICKER}").json()["market"]
    told["expected_expiration_time"] = "2026-11-22T21:00:00Z"
    assert msgspec.convert(told, MarketJson).read().closes == CLOSES


def test_another_subaccount_is_refused_and_not_ignored(served: Venue) -> None:
    served.quote(Side.ASK, "0.47", "100")
    refused = Raw(served).ask("POST", ORDERS, json={**BODY, "subaccount": 1})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_parameters")
    assert served.exchange.orders() == ()


def test_an_order_of_a_group_that_is_not_there_is_refused(served: Venue) -> None:
    served.quote(Side.ASK, "0.47", "100")
    refused = Raw(served).ask("POST", ORDERS, json={**BODY, "order_group_id": "og-1"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_parameters")
    assert served.exchange.orders() == ()
