#!/usr/bin/env python3
"""Makes every sound of the example game: mono, 16 bits, 22050 samples per second.

A sound is a list of numbers, one per sample. `finish` removes the constant part, fades both ends and
sets the peak, so the parts only have to be right relative to each other. The noise comes from a fixed
seed: the same script always writes the same files.

    python3 make_sounds.py        # writes *.wav beside this script
"""

import math
import random
import struct
import wave
from pathlib import Path

HERE = Path(__file__).resolve().parent
RATE = 22050
PEAK = 10 ** (-9 / 20)  # -9 dB of full scale
LONGEST = 0.44  # seconds, which stays below 20 kB

# --------------------------------------------------------------------------------------------------
# Parts
# --------------------------------------------------------------------------------------------------


def sine(phase):
    return math.sin(phase)


def soft(phase):
    """A mellow square: a few odd harmonics."""
    return math.sin(phase) + math.sin(3 * phase) / 5 + math.sin(5 * phase) / 14


def reed(phase):
    """Buzzing: the first harmonics of a saw."""
    return sum(math.sin(number * phase) / number for number in range(1, 7)) / 1.4


def envelope(at, seconds, rise, fade):
    """How loud a part is: up within `rise`, down to a third in each `fade`, silent at its end."""
    return min(1, at / rise) * math.exp(-at / fade) * min(1, (seconds - at) / 0.006)


def tone(start, end, seconds, fade, shape=sine, rise=0.004):
    """Slides from one frequency to another."""
    count, phase, samples = int(seconds * RATE), 0.0, []
    for number in range(count):
        at = number / RATE
        phase += 2 * math.pi * start * (end / start) ** (number / count) / RATE
        samples.append(shape(phase) * envelope(at, seconds, rise, fade))
    return samples


def bell(pitch, seconds, fade):
    """Metal: partials that are no multiples of each other; the higher, the shorter."""
    partials = ((1, 1.0), (2.76, 0.45), (5.4, 0.2))
    return mix(
        *((0, scaled(tone(pitch * f, pitch * f, seconds, fade / f, rise=0.002), level))
          for f, level in partials)
    )


def noise(seed, seconds, fade, low, high, rise=0.001):
    """Noise between two frequencies."""
    source = random.Random(seed)
    slow, fast, samples = 0.0, 0.0, []
    take_low, take_high = (1 - math.exp(-2 * math.pi * cut / RATE) for cut in (low, high))
    for number in range(int(seconds * RATE)):
        at = number / RATE
        fast += take_high * (source.uniform(-1, 1) - fast)
        slow += take_low * (fast - slow)
        samples.append((fast - slow) * envelope(at, seconds, rise, fade))
    loudest = max(map(abs, samples))
    return [sample / loudest for sample in samples]


def scaled(samples, level):
    return [sample * level for sample in samples]


def mix(*parts):
    """Adds sounds, each of them given with the second at which it begins."""
    parts = [(int(begin * RATE), samples) for begin, samples in parts]
    total = [0.0] * max(begin + len(samples) for begin, samples in parts)
    for begin, samples in parts:
        for number, sample in enumerate(samples, begin):
            total[number] += sample
    return total


# --------------------------------------------------------------------------------------------------
# Sounds
# --------------------------------------------------------------------------------------------------


def pickup():
    return mix(
        (0.00, scaled(tone(520, 620, 0.08, 0.05, soft), 0.7)),
        (0.06, tone(780, 940, 0.14, 0.05, soft)),
    )


def drop():
    return mix(
        (0.00, scaled(tone(430, 210, 0.12, 0.06, soft), 0.7)),
        (0.08, tone(150, 80, 0.12, 0.04)),
        (0.08, scaled(noise(1, 0.06, 0.015, 200, 1800), 0.5)),
    )


def click():
    return mix(
        (0.00, tone(1500, 1100, 0.045, 0.010, rise=0.001)),
        (0.00, scaled(noise(2, 0.03, 0.004, 1000, 6000), 0.5)),
    )


def reject():
    return mix(
        (0.00, tone(175, 165, 0.09, 0.12, reed)),
        (0.11, tone(139, 128, 0.14, 0.10, reed)),
    )


def craft():
    tap = mix(
        (0, noise(3, 0.07, 0.012, 300, 3500)),
        (0, scaled(tone(330, 240, 0.08, 0.025), 0.8)),
    )
    return mix(
        (0.00, scaled(tap, 0.8)),
        (0.11, tap),
        (0.20, scaled(bell(1047, 0.24, 0.12), 0.75)),
    )


def break_():
    pieces = [
        (0.06 + 0.045 * number, scaled(bell(pitch, 0.09, 0.03), 0.5 - 0.06 * number))
        for number, pitch in enumerate((1400, 1130, 940, 760, 610))
    ]
    return mix(
        (0.00, noise(4, 0.12, 0.025, 500, 7000)),
        (0.00, scaled(tone(260, 90, 0.16, 0.05, soft), 0.8)),
        (0.05, scaled(noise(5, 0.28, 0.08, 1500, 6000), 0.25)),
        *pieces,
    )


def chop():
    return mix(
        (0.00, noise(6, 0.09, 0.014, 400, 3000)),
        (0.00, tone(190, 85, 0.17, 0.045)),
        (0.01, scaled(tone(520, 430, 0.07, 0.015, soft), 0.5)),
    )


def coin():
    return mix(
        (0.00, scaled(bell(1319, 0.12, 0.06), 0.8)),
        (0.07, bell(1760, 0.34, 0.11)),
    )


def open_():
    creak = [
        sample * (0.55 + 0.45 * math.sin(2 * math.pi * 27 * number / RATE))
        for number, sample in enumerate(tone(140, 270, 0.24, 0.30, reed, rise=0.05))
    ]
    return mix(
        (0.00, scaled(noise(7, 0.04, 0.006, 800, 5000), 0.8)),
        (0.00, scaled(tone(700, 560, 0.04, 0.010), 0.5)),
        (0.04, scaled(creak, 0.55)),
        (0.27, scaled(tone(150, 110, 0.10, 0.03), 0.7)),
    )


def close():
    return mix(
        (0.00, scaled(tone(230, 150, 0.08, 0.06, reed, rise=0.02), 0.4)),
        (0.07, tone(140, 75, 0.15, 0.045)),
        (0.07, scaled(noise(8, 0.08, 0.015, 200, 2200), 0.8)),
        (0.13, scaled(noise(9, 0.03, 0.005, 1200, 6000), 0.5)),
    )


def eat():
    def bite(seed, level):
        grains = [
            (0.014 * number, noise(seed + number, 0.04, 0.008, 250, 1600)) for number in range(4)
        ]
        return scaled(mix(*grains, (0, scaled(tone(230, 140, 0.07, 0.025), 0.8))), level)

    return mix((0.00, bite(10, 1.0)), (0.13, bite(20, 0.8)), (0.26, bite(30, 0.9)))


def goal():
    """C, E, G, and the C above with the chord below it."""
    notes = [
        (0.07 * number, scaled(tone(pitch, pitch, 0.12, 0.09, soft), 0.7))
        for number, pitch in enumerate((523.25, 659.26, 783.99))
    ]
    chord = [
        (0.21, scaled(tone(pitch, pitch, 0.23, 0.14, soft), level))
        for pitch, level in ((1046.5, 0.8), (783.99, 0.4), (659.26, 0.4), (261.63, 0.4))
    ]
    return mix(*notes, *chord, (0.21, scaled(bell(2093, 0.2, 0.1), 0.2)))


SOUNDS = {
    "pickup": pickup,
    "drop": drop,
    "click": click,
    "reject": reject,
    "craft": craft,
    "break": break_,
    "chop": chop,
    "coin": coin,
    "open": open_,
    "close": close,
    "eat": eat,
    "goal": goal,
}

# --------------------------------------------------------------------------------------------------
# Files
# --------------------------------------------------------------------------------------------------


def finish(samples):
    """Without a constant part, from silence to silence, and at most as loud as PEAK."""
    count = len(samples)
    assert count <= LONGEST * RATE, f"{count / RATE:.2f} s is too long"
    fade_in, fade_out = int(0.002 * RATE), int(0.015 * RATE)
    window = [
        min(1, number / fade_in) * min(1, (count - 1 - number) / fade_out)
        for number in range(count)
    ]
    samples = [sample * level for sample, level in zip(samples, window)]
    offset = sum(samples) / sum(window)
    samples = [sample - offset * level for sample, level in zip(samples, window)]
    loudest = max(map(abs, samples))
    return [round(32767 * PEAK * sample / loudest) for sample in samples]


def main():
    for name, make in SOUNDS.items():
        samples = finish(make())
        with wave.open(str(HERE / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


if __name__ == "__main__":
    main()
