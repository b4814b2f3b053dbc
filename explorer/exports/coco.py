"""COCO-style JSON of pictures: each labelled picture has one annotation, whose box is the whole picture.

The form is that of https://cocodataset.org/#format-data. Besides what it asks for, an image has its ``item`` (our id).
"""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from explorer.errors import InputError
from explorer.exports.content import Content
from explorer.exports.originals import Original, check_pictures
from explorer.step import Progress, Settings

ENDING = ".coco.json"
NAME = "COCO JSON"
DOC = "Images, categories and an annotation for each labelled picture, as programs for training on pictures read it."
KIND = "file"
NEEDS = "pictures"


class Options(Settings):
    """There is nothing to choose."""

    method = ENDING


def encode(content: Content, file: BinaryIO, options: Settings, progress: Progress) -> None:
    """Write the current label set; a picture that cannot be read has no size, so its id stands under ``info.unreadable`` instead.

    Raises
    ------
    InputError
        Where the items are no pictures.
    """
    check_pictures(content.dataset, NAME)
    categories = {name: number for number, name in enumerate(content.categories, 1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    unreadable = []
    for done, (row, identifier, label) in enumerate(zip(content.rows.tolist(), content.ids.tolist(), content.labels, strict=True)):
        progress(done / len(content), f"{done:,} of {len(content):,} pictures")
        try:
            picture = Original.of(content.dataset, row)
        except InputError:
            unreadable.append(identifier)
            continue
        images.append(_image(len(images) + 1, identifier, picture))
        if label is not None:
            annotations.append(_annotation(len(annotations) + 1, images[-1], categories[label]))
    info = {"description": content.dataset.name, "label_set": content.label_set, "unreadable": unreadable}
    made = {"info": info, "licenses": [], "images": images, "annotations": annotations}
    made["categories"] = [_category(number, name) for name, number in categories.items()]
    file.write((json.dumps(made, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace"))


def _image(number: int, identifier: Any, picture: Original) -> dict[str, Any]:
    width, height = picture.size
    return {"id": number, "file_name": picture.name, "width": width, "height": height, "item": identifier}


def _annotation(number: int, image: dict[str, Any], category: int) -> dict[str, Any]:
    width, height = image["width"], image["height"]
    box = {"bbox": [0, 0, width, height], "area": width * height, "iscrowd": 0}
    return {"id": number, "image_id": image["id"], "category_id": category, "segmentation": []} | box


def _category(number: int, name: str) -> dict[str, Any]:
    return {"id": number, "name": name, "supercategory": name.rpartition("/")[0]}
