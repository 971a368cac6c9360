"""Makes test/fixtures/measures.jsonl: random series, flows and trades, and what independent
implementations say of them. Only needed where the fixture is to be made anew:

    python3 -m venv /tmp/venv
    /tmp/venv/bin/pip install empyrical-reloaded==0.7.1 pyxirr==0.10.8
    /tmp/venv/bin/python test/support/measures-fixture.py > test/fixtures/measures.jsonl

Returns and risk are by empyrical, money-weighted returns by pyxirr. What neither knows (episodes of
drawdown, contributions, closed trades) is computed here with numpy and exact fractions, from the
definitions alone. `null` stands for what is undefined. Where the conventions of a library are not
those of this project, the place says so.
"""

import datetime
import json
import math
import warnings
from fractions import Fraction
from importlib.metadata import version

import empyrical
import numpy as np
import pandas as pd
import pyxirr
from scipy.optimize import brentq

warnings.filterwarnings("ignore")
random = np.random.default_rng(20240229)
START = datetime.date(2021, 1, 1)
RESOLUTION = 1e-14


def finite(value):
    value = float(value)
    return value if math.isfinite(value) else None


def day(number):
    return (START + datetime.timedelta(days=int(number))).isoformat()


# Returns and risk


def measures(returns, annualisation, risk_free):
    r = np.array(returns, dtype=float)
    if len(r) == 0:
        return {}
    a = {"annualization": annualisation}
    daily_free = (1 + risk_free) ** (1 / annualisation) - 1
    # A return without risk lowers the mean only: empyrical would move the threshold as well. And a
    # single return has a downside; empyrical wants two.
    downside = float(np.sqrt(np.mean(np.minimum(r, 0) ** 2)))
    if len(r) > 1:
        by_library = empyrical.downside_risk(r, 0, **a) / math.sqrt(annualisation)
        assert math.isclose(by_library, downside, rel_tol=1e-12, abs_tol=1e-18)
    sortino = math.nan
    if downside > RESOLUTION:
        sortino = (r.mean() - daily_free) * annualisation / (downside * math.sqrt(annualisation))
    if downside > RESOLUTION and len(r) > 1 and risk_free == 0:
        assert math.isclose(sortino, empyrical.sortino_ratio(r, 0, **a), rel_tol=1e-11)
    growth = float(np.prod(1 + r))
    found = {
        "timeWeightedReturn": empyrical.cum_returns_final(r),
        "cagr": empyrical.cagr(r, **a) if growth >= 0 else math.nan,
        "volatility": empyrical.annual_volatility(r, **a),
        "sharpe": empyrical.sharpe_ratio(r, daily_free, **a),
        "sortino": sortino,
        "maximumDrawdown": empyrical.max_drawdown(r),
        "calmar": empyrical.calmar_ratio(r, **a),
        "valueAtRisk95": empyrical.value_at_risk(r, 0.05),
        "conditionalValueAtRisk95": empyrical.conditional_value_at_risk(r, 0.05),
    }
    return {name: finite(value) for name, value in found.items()}


def comparison(returns, benchmark, annualisation, risk_free):
    r, b = np.array(returns, dtype=float), np.array(benchmark, dtype=float)
    if len(r) < 2:
        return {}
    a = {"annualization": annualisation}
    daily_free = (1 + risk_free) ** (1 / annualisation) - 1
    # Ratios to a deviation that is the rounding of doubles have no meaning.
    moves = r.std(ddof=1) > RESOLUTION and b.std(ddof=1) > RESOLUTION
    differs = (r - b).std(ddof=1) > RESOLUTION
    information = empyrical.excess_sharpe(r, b) if differs else math.nan
    found = {
        "alpha": empyrical.alpha(r, b, daily_free, **a),
        "beta": empyrical.beta(r, b, daily_free),
        "correlation": np.corrcoef(r, b)[0, 1] if moves else math.nan,
        "trackingError": empyrical.annual_volatility(r - b, **a),
        # empyrical's is not annualised; here it is, as the Sharpe ratio.
        "informationRatio": information * math.sqrt(annualisation),
        "activeReturn": empyrical.cum_returns_final(r) - empyrical.cum_returns_final(b),
    }
    return {name: finite(value) for name, value in found.items()}


def episodes(returns):
    wealth = np.concatenate([[1.0], np.cumprod(1 + np.array(returns, dtype=float))])
    top = np.maximum.accumulate(wealth)
    below = wealth / top - 1 < -RESOLUTION
    found, at = [], 0
    while at < len(wealth):
        if not below[at]:
            at += 1
            continue
        peak = max(i for i in range(at) if wealth[i] == top[at])
        end = next((i for i in range(at, len(wealth)) if wealth[i] >= top[at]), None)
        stop = len(wealth) if end is None else end
        trough = at + int(np.argmin(wealth[at:stop]))
        last = stop - 1 if end is None else end
        found.append(
            {
                "peakDate": day(peak),
                "troughDate": day(trough),
                **({} if end is None else {"recoveryDate": day(end)}),
                "depth": float(wealth[trough] / wealth[peak] - 1),
                "lengthDays": last - peak,
                "declineDays": trough - peak,
                "recoveryDays": last - trough,
            }
        )
        at = stop
    return found


def series():
    def rounded(values):
        return [round(float(value), 6) for value in values]

    def of(name, returns, benchmark=None, annualisation=365, risk_free=0.0):
        if benchmark is None:
            benchmark = random.normal(0.0005, 0.02, len(returns))
        returns, benchmark = rounded(returns), rounded(benchmark)
        return {
            "name": name,
            "annualisation": annualisation,
            "riskFree": risk_free,
            "returns": returns,
            "benchmark": benchmark,
            "measures": measures(returns, annualisation, risk_free),
            "comparison": comparison(returns, benchmark, annualisation, risk_free),
            "episodes": episodes(returns),
        }

    market = random.normal(0.0004, 0.012, 250)
    moved = 1.3 * market + random.normal(0, 0.004, 250)
    yield of("a year of a market that closes", moved, market, 252)
    yield of("with a rate without risk", random.normal(0.001, 0.03, 200), None, 365, 0.03)
    yield of("with a rate under zero", random.normal(0.0, 0.03, 60), None, 252, -0.005)
    yield of("heavy tails", random.standard_t(3, 200) * 0.01)
    yield of("against the market", -0.8 * market[:90] + 0.0001, market[:90], 252)
    seldom = random.normal(0, 0.02, 120) * (random.random(120) < 0.2)
    yield of("many days without a change", seldom)
    yield of("up and back again", [0.25, -0.2, 0.25, -0.2, 0.6, -0.375, 0.1])
    for length in (2, 3, 5, 20, 21, 22, 41):
        yield of(f"{length} returns", random.normal(0, 0.05, length))
    yield of("one return", [0.031])
    yield of("one loss", [-0.031])
    yield of("no return", [])
    yield of("gains alone", np.abs(random.normal(0, 0.01, 30)) + 1e-4)
    yield of("losses alone", -np.abs(random.normal(0, 0.01, 30)) - 1e-4)
    yield of("equal gains", [0.01] * 25)
    yield of("equal losses", [-0.01] * 25)
    yield of("nothing but zeros", [0.0] * 10)
    yield of("all lost", [0.1, -1.0, 0.0, 0.0])
    yield of("the benchmark itself", market[:40], market[:40])
    yield of("a constant above the benchmark", rounded(market[:40]) + np.array(0.001), market[:40])
    yield of("a benchmark that stands still", random.normal(0, 0.02, 30), [0.002] * 30)


# Money-weighted returns


def roots(dates, amounts):
    """How often the present value changes its sign between -99.99 % and 10^6 a year."""
    years = np.array([(d - dates[0]).days / 365 for d in dates])
    rates = np.concatenate([np.linspace(-0.9999, 1, 4001), np.logspace(0.0001, 6, 4000)])
    values = (np.array(amounts) / (1 + rates[:, None]) ** years).sum(axis=1)
    return int((np.sign(values[1:]) != np.sign(values[:-1])).sum())


def exact_rate(dates, amounts):
    """pyxirr stops some digits short of a double: the root that it found is made exact."""
    found = pyxirr.xirr(dates, amounts)
    years = np.array([(d - dates[0]).days / 365 for d in dates])
    value = lambda rate: float((np.array(amounts) / (1 + rate) ** years).sum())
    rate = brentq(value, found - 1e-4, found + 1e-4, xtol=1e-16, rtol=1e-15)
    assert math.isclose(rate, found, rel_tol=1e-6)
    return finite(rate)


def flows():
    made = 0
    while made < 40:
        count = int(random.integers(2, 15))
        offsets = sorted(random.choice(1500, count, replace=False))
        dates = [START + datetime.timedelta(days=int(offset)) for offset in offsets]
        amounts = [round(float(value), 2) for value in random.normal(-200, 800, count)]
        amounts[0] = -abs(amounts[0])
        amounts[-1] = round(abs(sum(amounts)) * random.uniform(0.5, 2), 2)
        if amounts[-1] == 0 or roots(dates, amounts) != 1:
            continue
        made += 1
        rate = exact_rate(dates, amounts)
        yield {"flows": [[d.isoformat(), a] for d, a in zip(dates, amounts)], "xirr": rate}
    for amounts in ([-100.0, -5.0], [10.0, 20.0, 30.0]):
        dates = [START + datetime.timedelta(days=90 * i) for i in range(len(amounts))]
        assert pyxirr.xirr(dates, amounts, silent=True) is None
        yield {"flows": [[d.isoformat(), a] for d, a in zip(dates, amounts)], "xirr": None}


# Time-weighted returns with flows, and what each asset added to them


def portfolios():
    for length, assets in ((1, 1), (5, 2), (60, 3), (200, 5)):
        returns = random.normal(0.0005, 0.03, (length, assets))
        weights = random.dirichlet(np.ones(assets), length)
        value, days, capital = 1000.0, [], []
        for own, weight in zip(returns, weights):
            deposits = round(float(random.random() < 0.3) * random.uniform(1, 500), 2)
            start = value + deposits
            end = start * (1 + float(own @ weight))
            withdrawals = round(float(random.random() < 0.2) * random.uniform(0, 0.2) * end, 2)
            value = end - withdrawals
            days.append([value, deposits, withdrawals])
            capital.append(start)
        contributions = returns * weights
        daily = contributions.sum(axis=1)
        before = np.concatenate([[1.0], np.cumprod(1 + daily)[:-1]])
        yield {
            "initialValue": 1000.0,
            # Value at the end, deposits, withdrawals.
            "days": days,
            "timeWeightedReturn": finite(empyrical.cum_returns_final(daily)),
            # By day and asset, in money.
            "gains": (contributions * np.array(capital)[:, None]).tolist(),
            "contributions": (contributions * before[:, None]).sum(axis=0).tolist(),
        }


# Closed trades


def replay(method, trades):
    """Exact round trips: (exit, entered, exited, strategy, cost, proceeds, quantity)."""
    lots, trips = {}, []
    for number, (instrument, strategy, time, side, quantity, price, fee) in enumerate(trades):
        quantity, price, fee = Fraction(quantity), Fraction(price), Fraction(fee)
        own = lots.setdefault(instrument, [])
        if side == "BUY":
            if method == "AVERAGE" and own:
                own[0]["quantity"] += quantity
                own[0]["cost"] += quantity * price + fee
            else:
                unit = (quantity * price + fee) / quantity
                cost = quantity * unit
                own.append({"time": time, "quantity": quantity, "cost": cost, "unit": unit})
            continue
        wanted, received = quantity, quantity * price - fee
        while wanted > 0:
            if method == "LIFO":
                lot = own[-1]
            elif method == "HIFO":
                # Of equals the first, which is the older one.
                lot = max(own, key=lambda each: each["unit"])
            else:
                lot = own[0]
            taken = min(wanted, lot["quantity"])
            cost = lot["cost"] * taken / lot["quantity"]
            proceeds = received * taken / quantity
            trips.append((number, lot["time"], time, strategy, cost, proceeds, taken))
            lot["quantity"] -= taken
            lot["cost"] -= cost
            wanted -= taken
            if lot["quantity"] == 0:
                own.remove(lot)
    return trips


def grouped(trips):
    by_sale = {}
    for trip in trips:
        by_sale.setdefault(trip[0], []).append(trip)
    return [
        {
            "exited": parts[0][2],
            "gain": sum(part[5] - part[4] for part in parts),
            "cost": sum(part[4] for part in parts),
            "held": sum((part[2] - part[1]) * part[6] for part in parts)
            / sum(part[6] for part in parts),
        }
        for parts in by_sale.values()
    ]


def single(trips):
    return [
        {"exited": t[2], "gain": t[5] - t[4], "cost": t[4], "held": Fraction(t[2] - t[1])}
        for t in trips
    ]


def statistics(closed):
    gains = [trade["gain"] for trade in closed]
    held = [trade["held"] / 1000 for trade in closed]
    won, lost = [g for g in gains if g > 0], [g for g in gains if g < 0]
    ordered = sorted(held)

    def mean(values):
        return None if not values else float(sum(values) / len(values))

    def middle():
        half = len(ordered) // 2
        pair = ordered[half : half + 1] if len(ordered) % 2 else ordered[half - 1 : half + 1]
        return mean(pair)

    streaks = []
    for trade in closed:
        kind = (trade["gain"] > 0) - (trade["gain"] < 0)
        if streaks and streaks[-1][0] == kind:
            streaks[-1][1] += 1
            streaks[-1][3] = trade["exited"]
        else:
            streaks.append([kind, 1, trade["exited"], trade["exited"]])
    winning = max((s for s in streaks if s[0] > 0), key=lambda s: s[1], default=None)
    losing = max((s for s in streaks if s[0] < 0), key=lambda s: s[1], default=None)
    return {
        "closedTrades": len(closed),
        "wins": len(won),
        "losses": len(lost),
        "draws": len(gains) - len(won) - len(lost),
        "grossProfit": float(sum(won)),
        "grossLoss": float(sum(lost)),
        "netGain": float(sum(gains)),
        "largestWin": float(max(won)) if won else None,
        "largestLoss": float(min(lost)) if lost else None,
        "winRate": len(won) / len(gains) if gains else None,
        "profitFactor": float(sum(won) / -sum(lost)) if lost else None,
        "expectancy": mean(gains),
        "averageWin": mean(won),
        "averageLoss": mean(lost),
        "payoffRatio": mean(won) / -mean(lost) if won and lost else None,
        "meanReturn": mean([trade["gain"] / trade["cost"] for trade in closed]),
        "meanHolding": mean(held),
        "medianHolding": middle() if held else None,
        "shortestHolding": float(ordered[0]) if held else None,
        "longestHolding": float(ordered[-1]) if held else None,
        "meanHoldingOfWins": mean([h for h, g in zip(held, gains) if g > 0]),
        "meanHoldingOfLosses": mean([h for h, g in zip(held, gains) if g < 0]),
        # Length, and the ends of the first and the last trade.
        "longestWinning": winning and winning[1:],
        "longestLosing": losing and losing[1:],
        "latest": streaks[-1][1:] if streaks else None,
    }


def random_trades(count, instruments, ties):
    """[instrument, strategy, time, side, quantity, price, fee], amounts as decimal texts."""
    held, time, trades = {}, 1_600_000_000_000, []
    while len(trades) < count:
        instrument = f"A{int(random.integers(instruments))}-USD"
        own = held.get(instrument, 0)
        time += int(random.integers(0, 3) if ties else random.integers(1, 90_000)) * 1000
        buys = own == 0 or random.random() < 0.55
        most = 50_000 if buys else own
        quantity = int(random.integers(1, most + 1)) if random.random() < 0.8 else most
        # Few prices, so that there are draws and lots of equal cost.
        price = f"{int(random.integers(95, 106))}.{int(random.integers(4)) * 25:02d}"
        fee = "0" if random.random() < 0.5 else f"0.{int(random.integers(1, 100)):02d}"
        held[instrument] = own + quantity if buys else own - quantity
        strategy = f"s{int(random.integers(3))}"
        text = f"{quantity / 10_000:.4f}"
        trades.append([instrument, strategy, time, "BUY" if buys else "SELL", text, price, fee])
    return trades


def trade_lists():
    def of(name, trades):
        found = {"name": name, "trades": trades, "expected": {}}
        for method in ("FIFO", "LIFO", "HIFO", "AVERAGE"):
            trips = replay(method, trades)
            own = [trip for trip in trips if trip[3] == "s1"]
            found["expected"][method] = {
                "lot": statistics(single(trips)),
                "sale": statistics(grouped(trips)),
                "lotOfS1": statistics(single(own)),
            }
        return found

    def at(number, side, quantity, price, fee="0"):
        return ["A0-USD", "s1", 1_600_000_000_000 + number * 1000, side, quantity, price, fee]

    yield of("none", [])
    yield of("nothing closed", [at(0, "BUY", "1", "10")])
    yield of("one won", [at(0, "BUY", "1", "10"), at(9, "SELL", "1", "11")])
    yield of("one lost", [at(0, "BUY", "1", "10"), at(9, "SELL", "1", "9")])
    yield of("a draw", [at(0, "BUY", "1", "10"), at(0, "SELL", "1", "10")])
    yield of("a few", random_trades(30, 1, False))
    yield of("some", random_trades(80, 3, False))
    yield of("at the same times", random_trades(80, 2, True))
    yield of("many", random_trades(200, 4, False))


# Strategies: their trades as an account, what is bought paid in, what is sold taken out


def strategy_account(trades, prices, days):
    """By day: value at its end, paid in at its start, taken out at its end; exact."""
    held, found = {}, []
    for number in range(days):
        paid, taken = Fraction(0), Fraction(0)
        for instrument, at, side, quantity, price, fee in trades:
            if at != number:
                continue
            amount = Fraction(quantity) * Fraction(price)
            if side == "BUY":
                paid += amount + Fraction(fee)
                held[instrument] = held.get(instrument, Fraction(0)) + Fraction(quantity)
            else:
                taken += amount - Fraction(fee)
                held[instrument] -= Fraction(quantity)
        value = sum(amount * Fraction(prices[name][number]) for name, amount in held.items())
        found.append((value, paid, taken))
    return found


def strategy_trades(days, names, prices):
    """[instrument, day, side, quantity, price, fee], one at most for each day and instrument."""
    held, trades = {name: 0 for name in names}, []
    for number in range(days):
        for name in names:
            buys = held[name] == 0 or random.random() < 0.5
            if random.random() < 0.75:
                continue
            quantity = int(random.integers(1, 40 if buys else held[name] + 1))
            held[name] += quantity if buys else -quantity
            price = round(float(prices[name][number]) * random.uniform(0.99, 1.01), 2)
            fee = f"0.{int(random.integers(0, 100)):02d}"
            side = "BUY" if buys else "SELL"
            trades.append([name, number, side, str(quantity), f"{price:.2f}", fee])
    return trades


def strategies():
    made = 0
    while made < 6:
        days, names = (20, 90, 250)[made % 3], ["A0-USD", "A1-USD"][: 1 + made // 3]
        prices = {
            name: [f"{p:.2f}" for p in 100 * np.cumprod(1 + random.normal(0.001, 0.02, days))]
            for name in names
        }
        trades = strategy_trades(days, names, prices)
        if not trades:
            continue
        first = min(trade[1] for trade in trades)
        account = strategy_account(trades, prices, days)
        returns, before = [], Fraction(0)
        for value, paid, taken in account:
            if before + paid > 0:
                returns.append(float((value + taken) / (before + paid) - 1))
            before = value
        paid_in, taken_out = sum(a[1] for a in account), sum(a[2] for a in account)
        flows = [
            (START + datetime.timedelta(days=number), float(taken - paid))
            for number, (_, paid, taken) in enumerate(account)
            if taken != paid
        ]
        flows.append((START + datetime.timedelta(days=days - 1), float(before)))
        dates, amounts = [f[0] for f in flows], [f[1] for f in flows]
        if min(amounts) >= 0 or max(amounts) <= 0 or roots(dates, amounts) != 1:
            continue
        made += 1
        yield {
            "name": f"{len(trades)} trades of {len(names)} in {days} days",
            "start": START.isoformat(),
            "firstDay": first,
            "prices": prices,
            "trades": trades,
            "gain": float(before - paid_in + taken_out),
            "paidIn": float(paid_in),
            "takenOut": float(taken_out),
            "returns": len(returns),
            "moneyWeightedReturn": exact_rate(dates, amounts),
            "measures": measures(returns, 365, 0.0),
        }


# Returns by bucket


def buckets():
    for name, length, volatility in (("two years", 730, 0.03), ("a few days", 5, 0.01)):
        returns = [round(float(value), 6) for value in random.normal(0.0005, volatility, length)]
        # The first return is that of the day after the start.
        index = pd.date_range(START + datetime.timedelta(days=1), periods=length, freq="D")
        series = pd.Series(returns, index=index)
        # empyrical puts the days of a week that two years share into two of its weeks.
        weekly = (1 + series).resample("W-SUN").prod() - 1
        yield {
            "name": name,
            "start": START.isoformat(),
            "returns": returns,
            "week": [finite(value) for value in weekly],
            **{
                span: [finite(value) for value in empyrical.aggregate_returns(series, f"{span}ly")]
                for span in ("month", "quarter", "year")
            },
        }


if __name__ == "__main__":
    header = {
        "about": "Expected values by independent implementations; null is undefined.",
        "madeBy": "test/support/measures-fixture.py, which says how to make it anew",
        "versions": {name: version(name) for name in ("empyrical-reloaded", "pyxirr", "numpy", "scipy")},
    }
    print(json.dumps(header))
    made = {"series": series, "flows": flows, "portfolio": portfolios, "tradeList": trade_lists}
    made |= {"strategy": strategies, "buckets": buckets}
    for kind, rows in made.items():
        for row in rows():
            print(json.dumps({kind: row}))
