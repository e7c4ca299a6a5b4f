"""One run of `unmask predict`: what is made of each answer, and of all in the end."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

from data.ledger import percent_encode
from data.utils.errors import UsageError
from data.video import UnreadableVideoError
from serving import audit, visualization
from serving.audit import InputRecord, ModelCard, OptionsRecord, VideoRecord
from serving.prediction import VideoPrediction


class PredictionRun:
    """Takes answers one by one, draws them, and writes the table or the record of all.

    Of an answer that is drawn, the pictures are not kept.

    Attributes:
        predictions: the answers so far, without pictures.
        remarks: what could not be drawn, a sentence each.

    Args:
        options: how the files are asked about.
        output: of the table (.csv) or the record (.json); None for none.
        annotated: where the annotated video of each video goes, if anywhere.
        timelines: where the timeline of each video goes, if anywhere.
        models: serving root that the server answers from; None if it cannot be read.
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

    def begin(self, path: pathlib.Path) -> None:
        """To be called before a video is asked about: takes its fingerprint, for the record."""
        if self._recording and path not in self._inputs:
            self._inputs[path] = audit.fingerprint(str(path))

    def end(self, path: pathlib.Path, prediction: VideoPrediction) -> None:
        """Takes a video's answer and draws what is to be drawn of it.

        Raises:
            UsageError: the model's card cannot be read or does not fit the answer, or a drawing
                cannot be written. The answer is kept but in the first case.
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
                written = visualization.annotate(prediction, str(path), self._annotated[path])
            except (FileNotFoundError, UnreadableVideoError) as error:
                # It could be read when it was asked about.
                self._remark(path, f"nothing is drawn over it: {error}")
                return
            for remark in written.remarks:
                self._remark(path, f"annotated video: {remark}")

    def write(self, unanswered: Sequence[pathlib.Path]) -> None:
        """Writes the table or the record, if one is wanted.

        Args:
            unanswered: files that were given, but not answered.

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
