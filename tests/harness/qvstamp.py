# SPDX-License-Identifier: Apache-2.0
"""What tells pictures and sounds apart in time: stamps in pictures, and chirps that begin at known times.

A stamp (see <qvisio/stamp.h>) holds a frame's number and the CLOCK_MONOTONIC time at which it was made; the source
testpattern paints them. The source tone starts a chirp whenever CLOCK_MONOTONIC is a multiple of its interval.
"""

COLUMNS, ROWS, GRID_ROWS = 26, 4, 15


def _crc8(bits):
    crc = 0xff
    for bit in bits:
        crc = ((crc << 1) ^ (0x07 if (crc >> 7) ^ bit else 0)) & 0xff
    return crc


def read_stamp(luma, width, height):
    """(number, seconds) of a picture of 8-bit samples without gaps; None: no clear stamp."""
    cells = []
    for index in range(COLUMNS * ROWS):
        row, column = divmod(index, COLUMNS)
        x, y = int((column + 0.5) * width / COLUMNS), int((row + 0.5) * height / GRID_ROWS)
        cells.append(luma[y * width + x])
    middle = (cells[0] + cells[1]) / 2
    bits = [1 if cell > middle else 0 for cell in cells]
    if bits[:4] != [1, 0, 1, 0] or _crc8(bits[4:96]) != int("".join(map(str, bits[96:])), 2):
        return None
    word = int("".join(map(str, bits[4:96])), 2)
    return word >> 60, (word & (1 << 60) - 1) / 1e9


def onsets(samples, rate, level=1500):
    """Seconds at which chirps begin: loud after a tenth of a second of silence."""
    found, quiet = [], 0
    for position, sample in enumerate(samples):
        if abs(sample) > level:
            if quiet > rate / 10:
                found.append(position / rate)
            quiet = 0
        else:
            quiet += 1
    return found


def off(seconds, interval):
    """How far a time is from the nearest multiple of `interval`; negative: before it."""
    return (seconds + interval / 2) % interval - interval / 2
