"""Numbers written in digits, as they are said: `1,250` becomes `one thousand two hundred fifty`.

A recogniser writes `8` where a transcript has `eight`; both must be the same word before words are
compared. American English, without `and` between hundreds and tens.
"""

import re

_ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SMALL = (
    *_ONES,
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = (
    *("", "", "twenty", "thirty", "forty"),
    *("fifty", "sixty", "seventy", "eighty", "ninety"),
)
_SCALES = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"), (100, "hundred"))
_LARGEST = 10**12  # beyond it digits are said one by one, as in a telephone number
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_CURRENCIES = {"$": "dollar", "£": "pound", "€": "euro"}
_NUMBER = re.compile(
    r"(?P<currency>[$£€])?"
    r"(?P<whole>\d{1,3}(?:,\d{3})+|\d+)"
    r"(?:\.(?P<decimals>\d+))?"
    r"(?:(?P<ending>st|nd|rd|th|s)\b)?"
    r"(?P<percent>\s?%)?"
)


def spell_numbers(text: str) -> str:
    """The text with every number in words, in lower case where it is one.

    Four digits without a comma are said as a year where years are said so: `1863` is `eighteen
    sixty three`, `1900` is `nineteen hundred`, `2005` is `two thousand five`.
    """
    return _NUMBER.sub(_spell, text)


def number_words(number: int) -> list[str]:
    """The words of a whole number from 0; digit by digit from 10**12."""
    if number >= _LARGEST:
        return [_SMALL[int(digit)] for digit in str(number)]
    if number < 20:
        return [_SMALL[number]]
    if number < 100:
        tens, ones = divmod(number, 10)
        return [_TENS[tens], *([_SMALL[ones]] if ones else [])]
    scale, name = next(item for item in _SCALES if number >= item[0])
    count, rest = divmod(number, scale)
    return [*number_words(count), name, *(number_words(rest) if rest else [])]


def _spell(match: re.Match[str]) -> str:
    written, ending, decimals = match["whole"], match["ending"], match["decimals"]
    number = int(written.replace(",", ""))
    if written.startswith("0") and len(written) > 1:  # 007: a code, no quantity
        words = [_SMALL[int(digit)] for digit in written]
    elif match["currency"] is None and decimals is None and _is_year(written):
        words = _year_words(number)
    else:
        words = number_words(number)
    if match["currency"]:
        unit = _CURRENCIES[match["currency"]]
        words += [unit if number == 1 and not decimals else unit + "s"]
        if decimals and int(decimals):
            words += [*number_words(int(decimals[:2].ljust(2, "0"))), "cents"]
    elif decimals:
        words += ["point", *(_SMALL[int(digit)] for digit in decimals)]
    if ending == "s":
        words[-1] = _plural(words[-1])
    elif ending:
        words[-1] = _ordinal(words[-1])
    if match["percent"]:
        words.append("percent")
    # Spaces around, for what stands beside a number may touch it: 5km, x2.
    return f" {' '.join(words)} "


def _is_year(written: str) -> bool:
    return len(written) == 4 and (1100 <= int(written) < 2000 or 2000 < int(written) < 2100)


def _year_words(year: int) -> list[str]:
    century, rest = divmod(year, 100)
    if 2000 <= year < 2010:
        return number_words(year)
    if rest == 0:
        return [*number_words(century), "hundred"]
    return [*number_words(century), *(["oh"] if rest < 10 else []), *number_words(rest)]


def _ordinal(word: str) -> str:
    if word in _ORDINALS:
        return _ORDINALS[word]
    return word[:-1] + "ieth" if word.endswith("y") else word + "th"


def _plural(word: str) -> str:
    if word.endswith("y"):
        return word[:-1] + "ies"
    return word + "es" if word.endswith("x") else word + "s"
