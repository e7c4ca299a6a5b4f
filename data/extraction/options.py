"""What decides the content of an extraction's output: a part of its configuration."""

from typing import Any, Literal

import pydantic
from pydantic import Field

from data.faces import FaceOptions
from data.utils.yaml_config import Section


class ExtractionOptions(Section):
    """What decides the content of an extraction's output."""

    detector: str = Field(
        default="mtcnn",
        description="what finds faces: a name or class, as data/detectors/registry.py takes it",
    )
    faces: FaceOptions = Field(default=FaceOptions(), description="which faces, and how many")
    boxes_from: Literal["own", "original"] = Field(
        default="own",
        description="of a fake whose original is known: search it, or reuse that one's boxes",
    )
    fractions: tuple[float, float, float] = Field(
        default=(0.7, 0.15, 0.15),
        description="shares of train, eval and test without an official split",
    )
    salt: str = Field(
        default="unmask",
        description="changes which groups go to which split, and which fakes balance leaves out",
    )
    balance: bool = Field(
        default=False,
        description="leave out fakes until no split of a dataset has more of them than reals",
    )
    face_videos: bool = Field(default=False, description="also write each track as a small MP4")
    time_limit_s: float = Field(
        default=600.0,
        gt=0,
        description="seconds that any video may take; long and large ones get more",
    )

    @pydantic.field_validator("faces", mode="before")
    @classmethod
    def _one_sampling(cls, faces: Any) -> Any:
        is_every_nth = isinstance(faces, dict) and faces.get("every_nth_frame") is not None
        if is_every_nth and "frames_per_video" in faces:
            raise ValueError("give frames_per_video or every_nth_frame, not both")
        return faces

    @pydantic.model_validator(mode="after")
    def _own_boxes_if_rotated(self) -> "ExtractionOptions":
        if self.faces.rotated_faces and self.boxes_from == "original":
            raise ValueError(
                "faces.rotated_faces needs boxes_from: own, since an original's boxes do not say "
                "which way up a face is"
            )
        return self

    @pydantic.field_validator("fractions")
    @classmethod
    def _whole(cls, fractions: tuple[float, float, float]) -> tuple[float, float, float]:
        if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
            raise ValueError("shares of train, eval and test must be 0 or more and add up to 1")
        return fractions
