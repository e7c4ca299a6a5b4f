"""One run of `unmask predict`: draws each answer, and writes the table or record of all."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

from data.faces import FaceOptions
from data.ledger import percent_encode
from data.utils.errors import UsageError
from data.utils.yaml_config import Section
from data.video import UnreadableVideoError
from serving import audit, visualization
from serving.audit import InputRecord, ModelCard, OptionsRecord, VideoRecord
from serving.prediction import VideoPrediction


class FacesConfig(Section):
    """What `--set` changes."""

    faces: FaceOptions = FaceOptions()


class PredictionRun:
    """Collects answers and draws them; writes a table or an audit record of all.

    Attributes:
        predictions: the answers so far, without the pictures of their tracks.
        remarks: what could not be drawn, one sentence each.

    Args:
        options: how the files are asked about.
        output: path of the table (.csv) or the record (.json); None to write neither.
        annotated: video -> path of its annotated video; empty to make none.
        timelines: video -> path of its timeline; empty to make none.
        models: serving root of the server; None if it cannot be read.
    """

    def __init__(
        self,
        options: OptionsRecord,
        *,
        output: pathlib.Path | None,
        annotated: Mapping[pathlib.Path, pathlib.Path],
        timelines: Mapping[pathlib.Path, pathlib.Path],
        models: pathlib.Path | None,
    ) -> None:
        self.predictions: list[VideoPrediction] = []
        self.remarks: list[str] = []
        self._options = options
        self._output = output
        self._annotated, self._timelines = annotated, timelines
        self._models = models
        self._cards: dict[int, ModelCard] = {}
        self._recording = output is not None and output.suffix.lower() == ".json"
        self._inputs: dict[pathlib.Path, InputRecord] = {}
        self._records: list[VideoRecord] = []

    def prepare(self, path: pathlib.Path) -> None:
        """Takes a video's fingerprint for the record; to be called before asking about it."""
        if self._recording and path not in self._inputs:
            self._inputs[path] = audit.fingerprint(str(path))

    def add(self, path: pathlib.Path, prediction: VideoPrediction) -> None:
        """Adds a video's answer, and draws it if it is to be drawn.

        Raises:
            UsageError: the model's card cannot be read or contradicts the answer; the answer is
                not added.
            OutputError: a drawing cannot be written; the answer is added.
        """
        card = self._card(prediction)
        without_pictures = tuple(
            dataclasses.replace(track, picture=b"") for track in prediction.tracks
        )
        self.predictions.append(dataclasses.replace(prediction, tracks=without_pictures))
        if self._recording:
            self._records.append(audit.record_video(prediction, self._inputs[path]))
        if prediction.facts is None:
            if path in self._annotated or path in self._timelines:
                self._remark(path, "nothing is drawn, since no frame of it could be decoded")
            return
        if path in self._timelines:
            visualization.draw_timeline(
                prediction, self._timelines[path], card.thresholds if card else None
            )
        if path in self._annotated:
            try:
                remarks = visualization.annotate(prediction, str(path), self._annotated[path])
            except (FileNotFoundError, UnreadableVideoError) as error:
                # The file was removed or changed after the question.
                self._remark(path, f"nothing is drawn over it: {error}")
                return
            for remark in remarks:
                self._remark(path, f"annotated video: {remark}")

    def write(self, unanswered: Sequence[pathlib.Path]) -> None:
        """Writes the table or the record, if there is an output.

        Args:
            unanswered: files without an answer.

        Raises:
            OutputError: it cannot be written.
        """
        if self._output is None:
            return
        if not self._recording:
            audit.write_csv(self.predictions, self._output)
            return
        record = audit.make_record(
            self._records,
            options=self._options,
            cards=self._cards,
            unanswered=[str(path) for path in unanswered],
        )
        audit.write_record(record, self._output)

    def _card(self, prediction: VideoPrediction) -> ModelCard | None:
        version = prediction.model_version
        if self._models is None or version is None:
            return None
        if version not in self._cards:
            self._cards[version] = audit.read_model_card(self._models, prediction.model, version)
        card = self._cards[version]
        if (problem := audit.find_contradiction(card, prediction)) is not None:
            raise UsageError(
                f"{self._models}: --models is not what the server answers from: of version "
                f"{version} of '{prediction.model}' {percent_encode(prediction.path)}: {problem}"
            )
        return card

    def _remark(self, path: pathlib.Path, what: str) -> None:
        self.remarks.append(percent_encode(f"{path}: {what}"))
