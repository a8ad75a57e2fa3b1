"""Object masks for a pack's photos: what stands out in each picture of one thing, found once by U^2-Net (small).

    python -m models.training.objects --pack PACK

Writes `objects.u8` (uint8 masks, one after another) and `objects.json` (which photo has which) beside the pack's photos. It can be
stopped at any time and goes on where it was; training may start before it is finished.

References:
    Qin et al., "U2-Net: Going Deeper with Nested U-Structure for Salient Object Detection", Pattern Recognition 106, 2020.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from .data import Pack, replace_text

KINDS = ("pet", "clothing", "grocery")
INPUT_PX = 320
LEAST_SHARE, MOST_SHARE = 0.04, 0.85
LEAST_STRENGTH = 0.75
SAVE_EVERY = 50
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


def load_network(file: Path, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from an (h, w, 3) uint8 picture to an (h, w) uint8 mask, 255 = certainly the object."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    first = [session.get_outputs()[0].name]

    def look(image: np.ndarray) -> np.ndarray:
        small = cv2.resize(image, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_LINEAR).astype(np.float32)
        values = (small / max(float(small.max()), 1.0) - _MEAN) / _DEVIATION
        answer = session.run(first, {name: values.transpose(2, 0, 1)[None]})[0][0, 0]
        whole = cv2.resize(answer, image.shape[1::-1], interpolation=cv2.INTER_AREA)
        return np.clip(np.rint(whole * 255), 0, 255).astype(np.uint8)

    return look


def is_confident(mask: np.ndarray) -> bool:
    """Whether a mask (uint8) shows one thing of a plausible size, strongly."""
    core = mask > 127
    return LEAST_SHARE <= core.mean() <= MOST_SHARE and mask[core].mean() / 255 >= LEAST_STRENGTH


def plan(photos: Pack) -> list[int]:
    """Return the photos to look at: cats and dogs first, the others shuffled, so that a part of them is a fair sample."""
    first = [i for i, entry in enumerate(photos.entries) if entry.kind == KINDS[0]]
    rest = [i for i, entry in enumerate(photos.entries) if entry.kind in KINDS[1:]]
    return first + np.random.default_rng(0).permutation(rest).tolist()


def write_objects(folder: Path, look: Callable[[np.ndarray], np.ndarray], most: int | None = None) -> tuple[int, int]:
    """Find and store masks that are still missing.

    Args:
        folder: The pack.
        look: As from `load_network`.
        most: Look at no more than so many photos; at all by default.

    Returns:
        How many photos have been looked at so far, and how many of them have a mask.
    """
    photos = Pack(folder, "photos")
    listing, pixels = folder / "objects.json", folder / "objects.u8"
    offsets: dict[str, int | None] = json.loads(listing.read_text()) if listing.exists() else {}
    pixels.touch()
    with open(pixels, "r+b") as stream:
        missing = [i for i in plan(photos) if str(i) not in offsets][:most]
        known = [(offset, i) for i, offset in offsets.items() if offset is not None]
        if known:
            last, index = max(known)
            stream.seek(last + photos.entries[int(index)].height * photos.entries[int(index)].width)
        stream.truncate()
        for number, index in enumerate(missing, 1):
            mask = look(np.ascontiguousarray(photos.image(index)))
            offsets[str(index)] = stream.tell() if is_confident(mask) else None
            if is_confident(mask):
                stream.write(mask.tobytes())
            if number % SAVE_EVERY == 0 or number == len(missing):
                stream.flush()
                replace_text(listing, json.dumps(offsets))
    return len(offsets), sum(offset is not None for offset in offsets.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--network", type=Path, default=Path("models/subject/u2netp.onnx"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--most", type=int, help="stop after so many photos")
    args = parser.parse_args()
    cv2.setNumThreads(args.threads)
    seen, found = write_objects(args.pack, load_network(args.network, args.threads), args.most)
    print(f"{found} of {seen} photos have an object mask")


if __name__ == "__main__":
    main()
