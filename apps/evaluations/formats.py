"""Reading labels from disk: COCO's JSON, or a folder with one YOLO text file per picture.

Only text is parsed here. Pictures are hashed and handed on as they are: what is in them is the data plane's
business, which opens each one in a process that may die of it.
"""

import csv
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from apps.evaluations.label_values import clipped, light, numbers, refuse, source, taken_at, word
from apps.evaluations.name_times import TIME_PARTS, time_of_name
from inference_workers.contracts.evaluations import LabelledBox, LabelledPicture, LabelledSet

MAX_LABEL_BYTES = 512 * 1024**2
MAX_FACTS_BYTES = 32 * 1024**2
MAX_PICTURES = 50_000
MAX_PICTURE_BYTES = 32 * 1024**2
MAX_CLASSES = 2000
MAX_BOXES = 2000
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
CLASSES_FILE = "classes.txt"
# What YOLO's form has no place for, one line per picture; only `file` must be there.
FACTS_FILE = "pictures.csv"
FACTS = ("file", "taken_at", "camera", "light", "source")


@dataclass(frozen=True, slots=True)
class Read:
    """What was read: `files` leads from the hash of a picture to where it lies."""

    labelled: LabelledSet
    files: Mapping[str, Path]
    form: str


@dataclass(frozen=True, slots=True)
class Where:
    """`camera`: the slice of all pictures whose labels name none. `time_in_name`: a pattern of `strptime` for
    the names of pictures whose labels say no time, without their endings; UTC where it reads no offset.
    """

    pictures: Path
    annotations: Path | None = None
    camera: str = ""
    time_in_name: str = ""


def read_set(where: Where) -> Read:
    """COCO when a JSON file is named or lies in the folder alone, else one text file per picture.

    Raises:
        Invalid: a sentence with the file and what is expected there.
    """
    if not where.pictures.is_dir():
        raise refuse("path", f"{where.pictures}: expected a folder with pictures")
    annotations = where.annotations or _only_json(where.pictures)
    read = _read_coco(where, annotations) if annotations is not None else _read_yolo(where)
    return _timed_by_name(read, where.time_in_name) if where.time_in_name else read


def _only_json(folder: Path) -> Path | None:
    found = sorted(folder.glob("*.json"))
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise refuse("annotations", f"several JSON files ({names:.200}): name the one with --annotations")
    return found[0] if found else None


# COCO


def _read_coco(where: Where, path: Path) -> Read:
    data = _json(path)
    classes, places = _categories(data, path)
    boxes = _annotations(data, places, path)
    images = _list(data, "images", path)
    _ids(images, "images", path)
    pictures, files = [], {}
    for entry in images:
        name, width, height = _image(entry, path)
        file = _inside(where.pictures, name)
        sha256 = _hash(file)
        files[sha256] = file
        pictures.append(
            LabelledPicture(
                sha256,
                name,
                tuple(_coco_box(raw, width, height, name) for raw in boxes.get(entry.get("id"), ())),
                width,
                height,
                word(entry.get("camera", where.camera)),
                light(entry.get("light", ""), name),
                taken_at(entry.get("date_captured"), name),
                source(entry.get("source", ""), name),
            )
        )
    return _made(classes, pictures, files, "coco")


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_LABEL_BYTES:
            raise refuse(
                "annotations", f"{path.name}: expected at most {MAX_LABEL_BYTES >> 20} MiB of labels"
            )
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise refuse("annotations", f"{path.name}: expected a readable file, got {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise refuse("annotations", f"{path.name}: expected JSON: {error!s:.120}") from error
    if not isinstance(data, dict):
        raise refuse(
            "annotations", f"{path.name}: expected a JSON object with images, annotations, categories"
        )
    return data


def _list(data: Mapping[str, Any], name: str, path: Path) -> list[dict[str, Any]]:
    found = data.get(name)
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise refuse("annotations", f"{path.name}: expected “{name}” to be a list of objects")
    return found


def _categories(data: Mapping[str, Any], path: Path) -> tuple[tuple[str, ...], dict[Any, int]]:
    entries = _list(data, "categories", path)
    names = tuple(word(entry.get("name")) for entry in entries)
    _require_classes(names, path.name)
    return names, {key: place for place, key in enumerate(_ids(entries, "categories", path))}


def _ids(entries: Sequence[Mapping[str, Any]], name: str, path: Path) -> list[Any]:
    """Two entries with one id would give the objects of one to the other."""
    ids = [_key(entry, "id", path) for entry in entries]
    if len(set(ids)) != len(ids):
        raise refuse("annotations", f"{path.name}: expected “{name}” with different ids")
    return ids


def _key(entry: Mapping[str, Any], name: str, path: Path) -> Any:
    if not isinstance(entry.get(name), (int, str)):
        raise refuse("annotations", f"{path.name}: {name}: expected a number, got {entry.get(name)!r:.40}")
    return entry[name]


def _require_classes(names: Sequence[str], file: str) -> None:
    if not 1 <= len(names) <= MAX_CLASSES or not all(names):
        raise refuse("annotations", f"{file}: expected 1 to {MAX_CLASSES} classes with names")
    if len({name.casefold() for name in names}) != len(names):
        raise refuse("annotations", f"{file}: expected classes with different names")


def _annotations(
    data: Mapping[str, Any], places: Mapping[Any, int], path: Path
) -> dict[Any, list[tuple[int, dict[str, Any]]]]:
    found: dict[Any, list[tuple[int, dict[str, Any]]]] = {}
    for entry in _list(data, "annotations", path):
        category = _key(entry, "category_id", path)
        if category not in places:
            raise refuse(
                "annotations", f"{path.name}: category_id {category!r:.40} is not among the categories"
            )
        found.setdefault(_key(entry, "image_id", path), []).append((places[category], entry))
    return found


def _image(entry: Mapping[str, Any], path: Path) -> tuple[str, int, int]:
    name, width, height = entry.get("file_name"), entry.get("width"), entry.get("height")
    if not isinstance(name, str) or not name:
        raise refuse("annotations", f"{path.name}: an image without file_name")
    if type(width) is not int or type(height) is not int or width < 1 or height < 1:
        raise refuse("annotations", f"{name}: expected width and height in whole pixels")
    return name, width, height


def _coco_box(raw: tuple[int, dict[str, Any]], width: int, height: int, name: str) -> LabelledBox:
    label, entry = raw
    sides = numbers(entry.get("bbox"), 4, name)
    x, y, w, h = sides
    box = clipped((x / width, y / height, (x + w) / width, (y + h) / height), name)
    area = entry.get("area")
    share = None
    if isinstance(area, (int, float)) and math.isfinite(area) and area > 0:
        share = float(area) / (width * height)
    return LabelledBox(label, box, share, bool(entry.get("iscrowd", 0)))


# One text file per picture: "class x y width height", centre and size as shares of the picture


def _read_yolo(where: Where) -> Read:
    classes_path = next(
        (
            path
            for path in (where.pictures / CLASSES_FILE, where.pictures.parent / CLASSES_FILE)
            if path.is_file()
        ),
        None,
    )
    if classes_path is None:
        raise refuse(
            "path", f"expected {CLASSES_FILE} (one class per line) in the folder, or a COCO JSON file"
        )
    classes = tuple(_lines(classes_path))
    _require_classes(classes, classes_path.name)
    told = _facts(where.pictures)
    pictures, files = [], {}
    for file in sorted(_picture_files(where.pictures)):
        name = file.relative_to(where.pictures.resolve()).as_posix()
        boxes = tuple(_yolo_boxes(_label_file(where.pictures.resolve(), file), len(classes)))
        sha256 = _hash(file)
        files[sha256] = file
        facts = told.pop(name, {})
        pictures.append(
            LabelledPicture(
                sha256,
                name,
                boxes,
                camera=word(facts.get("camera")) or where.camera,
                light=light(facts.get("light"), name),
                taken_at=taken_at(facts.get("taken_at"), name, "taken_at"),
                source=source(facts.get("source"), name),
            )
        )
    if told:
        raise refuse("path", f"{FACTS_FILE}: {min(told):.120}: expected a picture of the folder")
    return _made(classes, pictures, files, "yolo")


def _facts(folder: Path) -> dict[str, dict[str, str]]:
    """What a table beside the pictures says of them, by file: their time, camera, light and source."""
    path = folder / FACTS_FILE
    if not path.is_file():
        return {}
    rows = csv.DictReader(_lines(path, MAX_FACTS_BYTES))
    columns = rows.fieldnames or []
    if "file" not in columns or not set(columns) <= set(FACTS) or len(set(columns)) != len(columns):
        raise refuse(
            "path", f"{FACTS_FILE}: expected the columns {', '.join(FACTS)}, of which file is needed"
        )
    told: dict[str, dict[str, str]] = {}
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise refuse("path", f"{FACTS_FILE}, line {number}: expected {len(columns)} columns")
        if row["file"] in told:
            raise refuse("path", f"{FACTS_FILE}, line {number}: {row['file']:.120} is there twice")
        told[row["file"]] = row
    return told


def _timed_by_name(read: Read, pattern: str) -> Read:
    """Names as recorders write them. One that does not fit has no time; a pattern that fits none is wrong.

    A time that is only near would hide a person from an erasure, so it has to be there to the second.
    """
    if missing := [part for part in TIME_PARTS if part not in pattern]:
        raise refuse(
            "time_in_name", f"expected a pattern with {' '.join(TIME_PARTS)}, {missing[0]} is missing"
        )
    pictures = tuple(
        picture if picture.taken_at else replace(picture, taken_at=time_of_name(picture.name, pattern))
        for picture in read.labelled.pictures
    )
    if not any(picture.taken_at for picture in pictures):
        message = f"expected a pattern that fits the names, as {pictures[0].name:.80}; got {pattern!r:.60}"
        raise refuse("time_in_name", message)
    return replace(read, labelled=replace(read.labelled, pictures=pictures))


def _picture_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            yield _inside(folder, str(path.relative_to(folder)))


def _label_file(folder: Path, picture: Path) -> Path:
    """Beside the picture, or in `labels` beside `images` as the usual tools write it."""
    beside = picture.with_suffix(".txt")
    if beside.is_file():
        return beside
    relative = picture.relative_to(folder).with_suffix(".txt")
    apart = folder.parent / "labels" / relative
    if apart.is_file():
        return apart
    raise refuse("path", f"{picture.name}: expected {beside.name} beside it; an empty file says “no object”")


def _yolo_boxes(path: Path, classes: int) -> Iterator[LabelledBox]:
    for number, line in enumerate(_lines(path), start=1):
        words, where = line.split(), f"{path.name}, line {number}"
        if len(words) != 5 or not words[0].isdigit() or int(words[0]) >= classes:
            raise refuse("path", f"{where}: expected “class x y width height” with a class below {classes}")
        x, y, w, h = numbers(words[1:], 4, where)
        yield LabelledBox(int(words[0]), clipped((x - w / 2, y - h / 2, x + w / 2, y + h / 2), where))


def _lines(path: Path, most_bytes: int = 1024 * 1024) -> list[str]:
    try:
        text = path.read_bytes()[:most_bytes].decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise refuse("path", f"{path.name}: expected a readable UTF-8 text file") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


# Both


def _made(
    classes: tuple[str, ...], pictures: list[LabelledPicture], files: dict[str, Path], form: str
) -> Read:
    if not 1 <= len(pictures) <= MAX_PICTURES:
        raise refuse("path", f"expected 1 to {MAX_PICTURES} pictures, got {len(pictures)}")
    if len(files) != len(pictures):
        raise refuse("path", "the same picture is in the set twice: it would count twice")
    for picture in pictures:
        if len(picture.boxes) > MAX_BOXES:
            raise refuse("annotations", f"{picture.name}: expected at most {MAX_BOXES} boxes")
    if not any(picture.boxes for picture in pictures):
        raise refuse("annotations", "no picture has a labelled object: nothing can be measured")
    return Read(LabelledSet(classes, tuple(pictures)), files, form)


def _inside(folder: Path, name: str) -> Path:
    """A file of the folder itself, also when links lead around."""
    root, path = folder.resolve(), (folder / name).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise refuse("path", f"{name:.120}: expected a picture within the folder")
    if path.suffix.lower() not in SUFFIXES:
        raise refuse("path", f"{name:.120}: expected one of {', '.join(SUFFIXES)}")
    return path


def _hash(path: Path) -> str:
    if path.stat().st_size > MAX_PICTURE_BYTES:
        raise refuse("path", f"{path.name}: expected at most {MAX_PICTURE_BYTES >> 20} MiB")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def must_pass_hashes(read: Read, names: Sequence[str]) -> list[str]:
    """Hashes of the pictures with these names. Raises Invalid for a name that is not in the set."""
    by_name = {picture.name: picture.sha256 for picture in read.labelled.pictures}
    if unknown := sorted(set(names) - by_name.keys()):
        raise refuse("must_pass", f"not in the set: {', '.join(unknown)!s:.200}")
    return [by_name[name] for name in dict.fromkeys(names)]
