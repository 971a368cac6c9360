"""Makes test/fixtures/indicators.json: a random walk, and what TA-Lib and
pandas say of it. Only needed where the fixture is to be made anew:

    python3 -m venv /tmp/venv
    /tmp/venv/bin/pip install ta-lib==0.8.2 pandas==3.1.1
    /tmp/venv/bin/python test/support/indicators-fixture.py > test/fixtures/indicators.json

TA-Lib begins an exponential average with a simple one; this project begins with the first close, as
pandas does. `null` stands for no value yet.
"""

import json

import numpy as np
import pandas
import talib

random = np.random.default_rng(20240229)
closes = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.02, 240))), 4)


def values(series):
    return [None if np.isnan(value) else float(value) for value in series]


def percent_b(window):
    upper, _, lower = talib.BBANDS(closes, timeperiod=window, nbdevup=2, nbdevdn=2)
    return (closes - lower) / (upper - lower)


def ema(series, window):
    return series.ewm(span=window, adjust=False).mean()


def histogram(fast, slow, signal):
    series = pandas.Series(closes)
    # The signal line begins with the first value that all of the slow average went into.
    line = (ema(series, fast) - ema(series, slow))[slow - 1 :]
    found = (line - ema(line, signal))[signal - 1 :]
    return found.reindex(series.index)


cases = []
for window in (2, 5, 20, 50):
    average = ema(pandas.Series(closes), window)
    average[: window - 1] = np.nan
    cases.append(("SMA", window, talib.SMA(closes, timeperiod=window)))
    cases.append(("EMA", window, average))
    cases.append(("RSI", window, talib.RSI(closes, timeperiod=window)))
    cases.append(("BOLLINGER", window, percent_b(window)))
cases.append(("MACD", 0, histogram(12, 26, 9)))
cases.append(("MACD", 52, histogram(24, 52, 18)))

print(
    json.dumps(
        {
            "closes": [float(close) for close in closes],
            "cases": [
                {"indicator": name, "window": window, "values": values(series)}
                for name, window, series in cases
            ],
        }
    )
)
