# SPDX-License-Identifier: MIT
"""Lines of a text log for log_page.py: at the edges of what manhattan-log(5) says, and random ones."""

TIMES = [b"1353499200.1234", b"0", b"-1.00005", b"-0.00005", b".5", b"1.", b"+1", b"1e3", b"1E-3", b" 1\v",
         b"1e-99999999999999999999", b"0e99999999999999999999", b"9000000000", b"-9000000000",
         b"9000000000.0000000001", b"0" * 5000 + b"1", b"1.99999999949"]
BAD_TIMES = [b"", b"noon", b"nan", b"inf", b"0x10", b"1_0", b"1.2.3", b".", b"-", b"1e", b"1e+-5", b"- 1", b"\\x31",
             b"9000000000.000000001", b"1e10", b"1e99999999999999999999", b"\xa01"]
VALUES = [b"12.50", b"-.5", b"5.", b"1e+3", b"49999999999999999999999999999.9999999994", b"1e28", b" \f1 ", b"",
          b"   ", b"0.0000000015", b"0.0000000025", b"0.00000000250001", b"0e99999999999999999999",
          b"0." + b"0" * 20000 + b"1e20001", b"9" * 28 + b"." + b"9" * 30, b"-0"]
BAD_VALUES = [b"1,50", b"1 2", b"5e28", b"49999999999999999999999999999.9999999995", b"1e400", b"\\x31", b"x", b"--1"]
SITES = [b"0", b"007", b"2147483647", b" 1\v", b"-0", b"0" * 5000 + b"1"]
BAD_SITES = [b"", b"+1", b"-1", b"1.0", b"1e2", b"2147483648", b"9" * 5000, b"shop", b"\\x31", b"1 2"]
NUMBERS = [b"200", b"", b"-1", b"+1", b" 1", b"1.5", b"1e3", b"007", b"9223372036854775807", b"9223372036854775808",
           b"-9223372036854775808", b"\\x31", b"9" * 5000]
TEXTS = [b"caf\\xe9", b"\\u2603\\U0001f600\\U0010ffff", b"\\ud83d\\ude00", b"\\U0000d800",
         b"\\t\\n\\r\\\\\\a\\b\\f\\v\\'\\\"",
         b"\\0\\1234\\777\\8", b"\\q\\N{DASH}\\X41\\ ", b"\xe9\xff\x80\x7f\x01\x00", b"\xe2\x98\x83", b"a\rb", b" a ",
         b"\\xAb\\x20", b"\\\xe9", b"x" * 2000, b"\\u2603" * 400, b"#"]
BAD_TEXTS = [b"\\", b"\\x", b"\\x4", b"\\x4g", b"\\u123", b"\\U123", b"\\U00110000", b"\\Uffffffff", b"ok\\\\\\"]
TYPES = [b"R", b"A", b"S", b"I", b"", b"r", b"RA", b"X", b"S ", b"\\x52", b"N"]
FORMATS = [b"N", b"C", b"P", b"", b"n", b" P", b"CC", b"R"]
LONGEST = 1048576


def page(*fields):
    return b"\t".join((b"1\tpage\t1\tv\t1", *fields))


def goal(*fields):
    return b"\t".join((b"1\tgoal\t1\tv\t1", *fields))


def split(*fields):
    return b"\t".join((b"1\tsplit\t1\tv\t1", *fields))


def pixel(time=b"1", visitor=b"v", site=b"1", *more):
    return b"\t".join((b"1\tpixel", time, visitor, site, *more))


def filled(count, place, field, other=b""):
    """`count` fields of which one is `field`."""
    return [field if i == place else other for i in range(count)]


GOOD = [
    *(pixel(time=time) for time in TIMES), *(pixel(site=site) for site in SITES),
    *(pixel(visitor=text) for text in TEXTS), *(goal(b"g", value, b"S", b"C") for value in VALUES),
    *(goal(b"g", b"1", letter, b"N") for letter in TYPES), *(goal(b"g", b"1", b"S", shown) for shown in FORMATS),
    *(goal(text) for text in TEXTS), *(split(text, text) for text in TEXTS),
    *(page(*filled(5, place, text)) for place in range(5) for text in TEXTS),
    *(page(*filled(9, 8, text)) for text in TEXTS),
    *(page(b"", b"", b"", b"", b"", *filled(3, place, number)) for place in range(3) for number in NUMBERS),
    b"1\tpage\t1\tv\t1", page(b""), page(*[b"x"] * 9, b"more\\", b"more"), split(b"s"), split(b"s", b""),
    split(b"s", b"p", b"\\x"), goal(b"g"), goal(b"g", b"", b"", b"", b"\\x"), goal(b" "), pixel(visitor=b" "),
    pixel() + b"\r", pixel() + b"\r\r", goal(b"g", b"1", b"S", b"C\r"), split(b"s", b"p") + b"\r",
    pixel(b"1", b"v", b"1", b"\\"),
    pixel(b"0", b"#a#", b"0"), pixel(b"0.0", b"##", b"0"), pixel(b"1", b"##", b"0"), pixel(b"0", b"\\x23", b"0"),
    b"1\tgoal\t0\t##\t0\tx", pixel(visitor=b"v" * (LONGEST - len(pixel()))),
]

BAD = [
    b"", b"\r", b" ", b"\t", b"2\tpixel\t1\tv\t1", b"01\tpixel\t1\tv\t1", b" 1\tpixel\t1\tv\t1", b"1 \tpixel\t1\tv\t1",
    b"2\tclick\tno\t\tno", b"1", b"1\t", b"1\tPage\t1\tv\t1", b"1\tpage \t1\tv\t1", b"1\tclick\tno\t\tno",
    b"1\tpixel", b"1\tpixel\t1", b"1\tpixel\t1\tv",
    *(pixel(time=time) for time in BAD_TIMES), *(pixel(site=site) for site in BAD_SITES),
    pixel(visitor=b""), *(pixel(visitor=text) for text in BAD_TEXTS), *(goal(text) for text in BAD_TEXTS),
    *(split(*filled(2, place, text, b"x")) for place in range(2) for text in BAD_TEXTS),
    *(page(*filled(9, place, text)) for place in (0, 1, 2, 3, 4, 8) for text in BAD_TEXTS),
    *(goal(b"g", value) for value in BAD_VALUES), goal(), goal(b""), goal(b"", b"bad"), split(), split(b""),
    split(b"", b"p"), split(b"", b"\\x"), goal(b"\\x", b"bad"),
    # Of several reasons the first.
    pixel(b"no", b"", b"no"), pixel(b"1", b"", b"no"), pixel(b"1", b"\\x", b"no"), b"1\tpage\t1\t\t1\t\\x",
    b"1\tpage\t1\t\\x\t1\t\\x", b"1\tgoal\t1\tv\tno\t\\x", b"1\tgoal\tno\tv\t1",
    b"#", b"####", b"##\tmore", pixel(b"0", b"#", b"0"), pixel(b"0", b"##", b"shop", b"\\x"),
    pixel(b"0", b"##") + b"\r",
    b"#" * (LONGEST - 1), b"x" * (LONGEST - 1),
    # What follows the part that is too long is a line: here none, an empty one and one of two bytes.
    b"x" * LONGEST, b"x" * (LONGEST + 2),
]


def random_line(source):
    """A line of some kind with fields from all of the above, or with a byte or the end of it lost."""
    def some(good, bad=(), often=0.97):
        return source.choice(good if not bad or source.random() < often else bad)

    def text():
        return b"".join(some(TEXTS, BAD_TEXTS, 0.995)[:40] for _ in range(source.randrange(3))) or b"t"
    kind = source.choice([b"page", b"pixel", b"goal", b"split", b"page", b"goal"])
    fields = [b"1", kind, some(TIMES[:12], BAD_TIMES), text(), some(SITES[:5], BAD_SITES)]
    if kind == b"page":
        fields += [text() for _ in range(5)] + [some(NUMBERS[:12]) for _ in range(3)] + [text()]
    elif kind == b"goal":
        fields += [text(), some(VALUES[:13], BAD_VALUES), some(TYPES), some(FORMATS)]
    elif kind == b"split":
        fields += [text(), text()]
    line = b"\t".join(fields[:len(fields) - source.choice([0, 0, 0, 1, 2])] + [text()] * source.choice([0, 0, 1]))
    at = source.randrange(len(line))
    change = source.random()
    if change < 0.1:
        return line[:at]
    if change < 0.3:
        return (line[:at] + bytes([source.randrange(256)]) + line[at + source.randrange(2):]).replace(b"\n", b"\t")
    return line
