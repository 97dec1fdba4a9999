"""Numbers with sensible digits."""

from __future__ import annotations

import math
from datetime import datetime

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
NONE = "–"
SMALLEST = 1e-9  # hartree; below it, optimisers and rounding decide


def finite(value: object) -> float | None:
    """The value as a float where it is a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def significant(value: float | None, digits: int = 3) -> str:
    """``digits`` significant digits, powers of ten where zeros would pile up.

    >>> significant(21.437), significant(0.000123456), significant(-0.5), significant(3e-9)
    ('21.4', '1.23×10⁻⁴', '−0.500', '3.00×10⁻⁹')
    >>> significant(math.inf)
    '∞'
    """
    if value is None:
        return NONE
    if value == 0:
        return "0"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    rounded = float(f"{value:.{digits - 1}e}")
    size = math.floor(math.log10(abs(rounded)))
    if -3 <= size < 6:
        return signed(f"{rounded:.{max(0, digits - 1 - size)}f}")
    return signed(f"{rounded / 10**size:.{digits - 1}f}×10{str(size).translate(_SUPERSCRIPT)}")


def signed(number: str) -> str:
    """With a true minus sign."""
    return number.replace("-", "−")


def subscript(number: int) -> str:
    """A whole number in small figures below the line."""
    return str(number).translate(_SUBSCRIPT)


def hartree(energy: float | None) -> str:
    """To the microhartree."""
    return NONE if energy is None else signed(f"{energy:.6f}")


def millihartree(error: float | None) -> str:
    """A difference in hartree as mHa; below a nanohartree only its size is said.

    >>> millihartree(0.0214), millihartree(2e-12), millihartree(-0.001)
    ('21.4', '< 10⁻⁶', '−1.00')
    """
    if error is not None and abs(error) < SMALLEST:
        return "< 10⁻⁶"
    return significant(None if error is None else 1e3 * error)


def nats(loss: float | None) -> str:
    """A loss, to four decimals.

    >>> nats(0.06931), nats(None)
    ('0.0693', '–')
    """
    return NONE if loss is None else signed(f"{loss:.4f}")


def percent(share: float | None) -> str:
    """A share, to a tenth of a percent.

    >>> percent(0.975), percent(None)
    ('97.5%', '–')
    """
    return NONE if share is None else f"{100 * share:.1f}%"


def share_interval(share: float, total: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval of a share of ``total`` independent samples, 95% by default.

    Source: Wilson, J. Am. Stat. Assoc. 22, 209 (1927).

    >>> [round(end, 3) for end in share_interval(0.5, 100)]
    [0.404, 0.596]
    """
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    spread = math.sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2)
    reach = z * spread / (1 + z * z / total)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def with_error(value: float | None, stderr: float | None, scale: float = 1.0) -> str:
    """Value ± standard error, both to the second digit of the error.

    >>> with_error(-1.1312345, 0.00123), with_error(-1.5, None)
    ('−1.1312 ± 0.0012', '−1.500000')
    """
    if value is None:
        return NONE
    if not stderr:
        return signed(f"{value * scale:.{6 if scale == 1 else 2}f}")
    error = float(f"{stderr * scale:.1e}")
    places = max(0, 1 - math.floor(math.log10(error)))
    return f"{signed(f'{value * scale:.{places}f}')} ± {error:.{places}f}"


def count(number: object) -> str:
    """A whole number with its thousands set apart.

    >>> count(12345678), count(None)
    ('12\\u202f345\\u202f678', '–')
    """
    value = finite(number)
    if value is None:
        return NONE
    return signed(f"{value:,.0f}").replace(",", "\N{NARROW NO-BREAK SPACE}")


def duration(seconds: float | None) -> str:
    """Seconds as people say them.

    >>> duration(0.25), duration(12.34), duration(200), duration(7322)
    ('0.2 s', '12 s', '3 min 20 s', '2 h 2 min')
    """
    if seconds is None:
        return NONE
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def date(iso: object) -> str:
    """A date of ISO 8601 as day, month, year and time of day; other text as it is."""
    try:
        moment = datetime.fromisoformat(str(iso))
    except ValueError:
        return str(iso)
    months = "January February March April May June July August September October November December"
    zone = moment.strftime("%z")
    offset = f" UTC{signed(zone[:3])}:{zone[3:5]}" if zone else ""
    day = f"{moment.day} {months.split()[moment.month - 1]} {moment.year}"
    return f"{day}, {moment:%H:%M}{offset}"


def angle(value: float) -> str:
    """Radians in (-pi, pi], quarters of pi by name.

    >>> angle(3.14159265358979 / 2), angle(-7.0), angle(0.0), angle(2.35619449019)
    ('π/2', '−0.72', '0', '3π/4')
    """
    turned = math.remainder(value, 2 * math.pi)
    quarters = round(turned / (math.pi / 4))
    if abs(turned - quarters * math.pi / 4) > 1e-6:
        return signed(f"{turned:z.2f}")
    names = {0: "0", 1: "π/4", 2: "π/2", 3: "3π/4", 4: "π"}
    sign = "−" if quarters < 0 and abs(quarters) < 4 else ""
    return sign + names[abs(quarters)]
