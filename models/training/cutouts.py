"""Cut-outs with names in English and Chinese, from three kinds of folders.

- Emoji: pictures named by code point ("1f34e.webp"); their names come from the data files of the `emoji` package.
- Stamps: a text file beside each picture, English in its first line, `zh_CN.utf8=` in a later one.
- Clip art: file names only, looked up word by word in `things`; pictures without a known word are left out.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from .things import ALIASES, THINGS

CUTOUT_PX = 160
MOST_PIXELS = 6_000_000
Cutout = tuple[np.ndarray, str, str, str]

NOT_THINGS = (
    "arrow|button|sign|symbol|mark|keycap|flag|letter|squared?|circle|diamond|clock|oclock|o'clock|zodiac|prohibited|no|non|input|"
    "latin|cjk|person|people|man|woman|men|women|hand|hands|finger|fingers|face with|radical|potable|litter|bisexual|wc|atm|id|level|"
    "dim|bright|mode|hearts?|fist|thumbs|gesturing|gesture|palms?|speech|bubble|thought|dizzy|sweat|anger|zzz|hundred|dash|"
    "red triangle|triangle|notes?|bar|speaker|division|infinity|heavy|multiplication|plus|minus|loop|wavy|trident|medical|fleur|"
    "star of david|om|yin|cross|menorah|wheel of dharma|peace|aries|taurus|gemini|cancer|leo|virgo|libra|scorpio|sagittarius|"
    "capricorn|aquarius|pisces|ophiuchus|numbers|vibration|bell with slash|muted|bust|busts|silhouette|face|identification|ab|"
    "fullwidth|currency|dollar|exchange|tone|dotted|six-pointed|spade|club|suit|cinema|antenna bars|couple|family|kiss|lipstick mark|"
    "joker|mahjong|restroom|room|booth|control|customs|claim|luggage|smoking|bikini sign|eyes|mouth|ear|nose|leg|foot|footprints|"
    "tongue|biceps|legacy|deaf|prince|superhero|supervillain|mage|vampire|zombie|elf|fairy|merman|merperson|troll|golfing|swimming|"
    "surfing|rowing|biking|horse racing|snowboarder|cartwheeling|dancer|dancing|detective|guard|construction worker|health worker|"
    "old|older|boy|girl|child|bride|pregnant|breast-feeding|santa|mrs|mx|ninja|skier|fencing|wrestling|wrestlers|in bed|taking bath|"
    "thirty|index|chart|check|asterisk|multiply|divide|circled|arrows|warning|information|radioactive|biohazard|hole|map|"
    "construction|ceremony|foggy|night|wireless|link|speaking|hamsa|khanda|low battery|selfie|lip|salute|dashing|collision|"
    "love hotel|money with|children|kaaba|closet|voltage|vibrating|laughing|star-struck|exploding|ballot|dvd|nib|worship|sunset|"
    "viewer|goal|performing|eight-pointed|departure|arrival|diya|uniform|medal|bookmark|x-ray|dna|mate"
)
KEPT_FACES = (
    "cat dog cow horse pig mouse tiger rabbit bear hamster wolf fox frog monkey lion panda koala dragon unicorn moose polar_bear sun "
    "moon clown robot pumpkin"
).split()
DROPPED_STAMPS = ("symbols", "roadsigns", "flags", "money", "faces", "body_parts")
DROPPED_FOLDERS = (
    "shapes logos flags signs_and_symbols buttons icons roadsigns aiga-symbols special duplicates stickmen smilies diagrams network "
    "connectors folders decorations bodypart jigsaw patterns gradients cards religion games battery"
).split()
DROPPED_WORDS = frozenset(
    (
        "banner bikes blueprint border bullet burner bw card contorno contour corner cursor cycles departing diagram emule etiquette "
        "flag grenade head3 heading hole icon keyboardlayout keys knot labels lane length logo map mascot menu moonphases note notes "
        "opposite outline pinout pitch pointer points rock rules scene schema shelbi shift sign silhouet silouette simbol stylized "
        "suit symbol theory tux wing"
    ).split()
)
CUTS_OFF = re.compile(r"[.!?;:,(—–“”\"]| that | which | with | from | in | on | is | lets | of the | and two | to ")
CUTS_OFF_ZH = re.compile(r"[。！？；：，（—–“”、,.!(\-]")
NOT_STAMPS = re.compile(
    r"\b(remember|this|it's|eat|enter|used|covered|made|making|important|airways|sign|emblems|carry|down|are|of youth|xanthia|thaadi|alien|"
    r"stripey|plant of|george|edward|eddie|adelaide|boom|button|quarter|cemetery|inukshuk|marker)\b"
)
WRONG_ZH = {
    "prune": "西梅",
    "yak": "牦牛",
    "chile pepper": "辣椒",
    "wishing well": "许愿井",
    "zebu": "瘤牛",
    "woodlouse": "鼠妇",
    "sliced lime": "青柠片",
    "anthurium": "红掌",
    "balsam": "凤仙花",
    "mine": "矿井",
    "headstone": "墓碑",
    "colorful bow": "彩色蝴蝶结",
    "dreidel": "陀螺",
    "pine wreath": "松枝花环",
    "tower": "塔楼",
    "round tower": "圆塔",
    "square tower": "方塔",
    "red gazania": "红色勋章菊",
    "caboose": "守车",
    "double decker bus": "双层巴士",
    "pink cake": "粉色蛋糕",
    "emperor tamarin": "皇狨猴",
    "penguins are wining": "企鹅",
}
CLASSIFIER = re.compile(r"^(这是)?一?[只个条头匹辆座朵颗把本张件顶双对串棵艘架些种块支杯片位根]的?")


def read_cutouts(folders: Iterable[Path], names: Path | None = None) -> Iterator[Cutout]:
    """Yield (RGBA array of CUTOUT_PX squared, name, "cutout", name in Chinese or "").

    Args:
        folders: Folders of pictures of any of the three kinds.
        names: Folder with the emoji package's `emoji.json` and `emoji_zh.json`; without it, emoji are left out.
    """
    emoji = read_emoji_names(names) if names else {}
    for folder in folders:
        for path in sorted(p for pattern in ("*.webp", "*.png") for p in folder.rglob(pattern) if not p.is_symlink()):
            name = name_cutout(path, emoji)
            picture = cut_out(path) if name else None
            if picture is not None:
                yield picture, name[0], "cutout", name[1]


def name_cutout(path: Path, emoji: dict[str, tuple[str, str]]) -> tuple[str, str] | None:
    """Name a picture in English and Chinese; None where it is no thing or its name is unclear."""
    if re.fullmatch(r"[0-9a-f]{4,5}(-[0-9a-f]{4,5})*", path.stem):
        return emoji.get(path.stem.removesuffix("-fe0f"))
    text = path.with_suffix(".txt")
    if text.exists():
        return None if set(DROPPED_STAMPS) & set(path.parts) else name_stamp(text.read_text(encoding="utf-8", errors="replace"))
    if set(DROPPED_FOLDERS) & set(path.parts):
        return None
    name = name_clip_art(path.stem)
    if name and name[0] == "horse" and "transportation" in path.parts:
        return None
    if name and name[0] in ("house", "seal", "rock", "eye") and {"computer", "geography", "people"} & set(path.parts):
        return None
    return ("computer mouse", "鼠标") if name == ("mouse", THINGS["mouse"]) and "computer" in path.parts else name


def read_emoji_names(folder: Path) -> dict[str, tuple[str, str]]:
    """Return names by code point; only single code points that show a thing."""
    chinese = json.loads((folder / "emoji_zh.json").read_text(encoding="utf-8"))
    unwanted = re.compile(rf"\b({NOT_THINGS})\b")
    names = {}
    for character, row in json.loads((folder / "emoji.json").read_text(encoding="utf-8")).items():
        english = row["en"].strip(":").replace("_", " ").replace("’", "'").lower()
        is_kept_face = "face" in english and english.split()[0] in KEPT_FACES
        bare = english.removesuffix(" face").removesuffix(" with") if is_kept_face else english
        code = character.removesuffix("\ufe0f")
        if len(code) == 1 and ord(code) > 0xFF and (is_kept_face or not unwanted.search(english)):
            names[f"{ord(code):x}"] = (bare, _clean_chinese(chinese.get(character, "")))
    return names | {"1f600": ("smiley face", "笑脸"), "2764": ("red heart", "红心"), "1f499": ("blue heart", "蓝色爱心")}


def name_stamp(text: str) -> tuple[str, str] | None:
    """Name a stamp by its text file: the first few words of the English line, the matching part of the Chinese one."""
    lines = text.splitlines()
    english = CUTS_OFF.split(lines[0].strip() + " ")[0].strip().lower() if lines else ""
    bare = re.sub(r"^(a pair of|a|an|the|some|another|our|my) ", "", english)
    if len(bare.split()) > 4 or NOT_STAMPS.search(bare) or not re.fullmatch(r"[a-zäöüéñ' -]{3,}", bare):
        return None
    rough = next((line.partition("=")[2] for line in lines if line.startswith("zh_CN.utf8=")), "")
    chinese = CLASSIFIER.sub("", CUTS_OFF_ZH.split(_clean_chinese(rough))[0])
    known = WRONG_ZH.get(bare) or THINGS.get(bare)
    return bare, known or (chinese if len(chinese) <= 8 else "")


def name_clip_art(stem: str) -> tuple[str, str] | None:
    """Name a clip-art file by the first thing that its name mentions, longest name first."""
    words = [word for word in re.split(r"[_\-.\s]+", stem.lower()) if word]
    if DROPPED_WORDS & set(words):
        return None
    for start in range(min(len(words), 4)):
        for end in range(min(start + 4, len(words)), start, -1):
            phrase = " ".join(words[start:end])
            for name in (phrase, phrase.rstrip("0123456789"), phrase.removesuffix("s")):
                name = ALIASES.get(name, name)
                if name in THINGS:
                    return name, THINGS[name]
    return None


def cut_out(path: Path) -> np.ndarray | None:
    """Read a transparent picture as (CUTOUT_PX, CUTOUT_PX, 4) uint8, the object in the middle.

    Returns:
        None if the picture is opaque, huge, very thin or of one flat colour.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        image = Image.open(path)
    with image:
        if image.width * image.height > MOST_PIXELS:
            return None
        pixels = np.asarray(image.convert("RGBA"))
    left, top, width, height = cv2.boundingRect((pixels[..., 3] > 25).astype(np.uint8))
    if min(width, height) < 24 or max(width, height) > 8 * min(width, height):
        return None
    part = pixels[top : top + height, left : left + width].astype(np.float32)
    solid = part[..., 3] > 128
    if not 0.22 < solid.mean() < 0.97 or (pixels[..., 3] < 25).mean() < 0.02 or _is_flat(part[solid]):
        return None
    scale = CUTOUT_PX / max(width, height)
    part[..., :3] *= part[..., 3:] / 255
    shape = max(round(width * scale), 1), max(round(height * scale), 1)
    part = cv2.resize(part, shape, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    part = np.clip(part, 0, 255)
    part[..., :3] *= 255 / np.maximum(part[..., 3:], 1)
    square = np.zeros((CUTOUT_PX, CUTOUT_PX, 4), np.uint8)
    y, x = (CUTOUT_PX - shape[1]) // 2, (CUTOUT_PX - shape[0]) // 2
    square[y : y + shape[1], x : x + shape[0]] = np.clip(part + 0.5, 0, 255)
    return square


def _is_flat(colours: np.ndarray) -> bool:
    """Whether nearly all of a picture (n, 4) has one colour, as silhouettes have, or is black on white, as line drawings are."""
    coarse = (colours[:, :3] // 32).astype(np.int64) @ (64, 8, 1)
    counts = np.sort(np.bincount(coarse, minlength=512))[::-1] / max(len(coarse), 1)
    white_and_black = ((colours[:, :3].min(1) > 235) | (colours[:, :3].max(1) < 30)).mean()
    return bool(counts[0] > 0.9 or white_and_black > 0.9)


def _clean_chinese(text: str) -> str:
    return text.strip().strip(":").replace("_", "").strip("!！。 ")
