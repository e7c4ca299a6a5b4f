"""The demo: the whole road on generated clips, from making them to asking about held-out ones."""

import pathlib

import rich
from rich.rule import Rule
from rich.table import Table

import configs
from data import ledger
from data.contract import Label
from data.datasets import SourceVideo, read_listing
from data.extraction import ExtractionOptions
from data.extraction.display import extract_with_progress
from data.faces import FaceOptions
from data.synthetic import generator
from data.utils.code_hash import code_hash
from data.visualization import contact_sheet
from models.evaluation.trivial_baseline import trivial_baseline_auc
from pipeline import config, runner
from pipeline.evaluation import read_metrics
from pipeline.report import report
from pipeline.run_outcome import RunOutcome
from serving import Client, audit, visualization
from serving.prediction import VideoPrediction, scope_sentences
from serving.server.model_server import ModelServer

_FACES = FaceOptions(frames_per_video=6)
_CLIPS = 6
"""Held-out clips of each class that the table of verdicts shows."""


def run_demo(output: pathlib.Path) -> RunOutcome:
    """Makes the sample dataset, extracts, trains, gates, pushes, serves and predicts.

    What an earlier demo in the same folder finished is not done again.

    Args:
        output: folder for everything.

    Returns:
        What became of the candidates.
    """
    # Another generator makes another dataset.
    generator_code = code_hash("data.synthetic.generator")[:8]
    dataset = output / f"dataset-{generator_code}"
    run_config = config.load(configs.FOLDER / "demo.yaml").model_copy(
        update={
            "examples": str(output / "examples"),
            "output": str(output / "run"),
            "serving_root": str(output / "serving"),
        }
    )
    rich.print(Rule("1 of 5: sample dataset", align="left"))
    generator.generate_once(dataset)

    rich.print(Rule("2 of 5: face extraction", align="left"))
    listing = read_listing("synthetic", str(dataset))
    extract_with_progress([listing], run_config.examples, ExtractionOptions(faces=_FACES))

    rich.print(Rule("3 of 5: pipeline", align="left"))
    outcome = runner.run(run_config)

    rich.print(Rule("4 of 5: figures on test", align="left"))
    report(outcome, pathlib.Path(run_config.output), run_config.serving_root)
    _compare_with_trivial_baseline(outcome, pathlib.Path(run_config.examples))

    rich.print(Rule("5 of 5: verdicts of the served models on held-out clips", align="left"))
    served = [model.model for model in outcome.models if model.version is not None]
    held_out = [video for video in listing.videos if video.split == "test"]
    fake = _predict(run_config.serving_root, served, held_out)
    pictures = output / "pictures"
    draw_pictures(pictures, run_config, fake)

    rich.print(
        f"\nLedger:            {output / 'examples' / ledger.FILE_NAME}"
        f"\nMetrics by slice:  unmask metrics {run_config.output}"
        f"\nPushed models:     {run_config.serving_root}"
        f"\nPictures:          {', '.join(map(str, sorted(pictures.iterdir())))}"
        f"\nServe them:        unmask serve --models {run_config.serving_root}"
    )
    return outcome


def _compare_with_trivial_baseline(outcome: RunOutcome, examples: pathlib.Path) -> None:
    table = Table(title="Video AUC on test", title_justify="left")
    table.add_column("model")
    table.add_column("AUC", justify="right")
    for model in outcome.models:
        auc = read_metrics(model.evaluation)[0].auc
        table.add_row(model.model, "n/a" if auc is None else f"{auc:.3f}")
    auc = trivial_baseline_auc(str(examples))
    table.add_row("extra-trees on colour and sharpness, no network", f"{auc:.3f}")
    rich.print(table)
    rich.print("Where the last line is high, the dataset is easy and the others say little.")


def _predict(
    serving_root: str, models: list[str], held_out: list[SourceVideo]
) -> VideoPrediction | None:
    """Prints the served models' verdicts on clips of each class beside the truth.

    Returns:
        The first model's prediction for the first fake; None if no model is served.
    """
    if not models:
        rich.print("No model passed the gate: there are no verdicts.")
        return None
    reals = [video for video in held_out if video.label == Label.REAL][:_CLIPS]
    fakes = [video for video in held_out if video.label == Label.FAKE][:_CLIPS]
    predictions: dict[str, list[VideoPrediction]] = {}
    with ModelServer(serving_root, port=0) as server:
        for model in models:
            with Client(server.target, model, options=_FACES) as client:
                predictions[model] = [client.predict(video.path) for video in reals + fakes]
    table = Table("clip", "truth", *models)
    for video, *answers in zip(reals + fakes, *predictions.values(), strict=True):
        truth = Label(video.label).name.lower()
        table.add_row(video.video_id, truth, *(_colour(answer, truth) for answer in answers))
    rich.print(table)
    first_fake = predictions[models[0]][len(reals)]
    rich.print("\n".join(scope_sentences(first_fake.model_version, first_fake.scope)))
    return first_fake


def draw_pictures(
    folder: pathlib.Path, run_config: config.RunConfig, prediction: VideoPrediction | None
) -> None:
    """Draws what an extraction holds and what a served model says about a clip.

    Args:
        folder: for `contact_sheet.png`, `timeline.png` and `annotated.mp4`.
        run_config: the run, for its Examples and its serving root.
        prediction: for the timeline and the annotated clip; None draws neither.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contact_sheet.draw(run_config.examples, str(folder / "contact_sheet.png"), videos=8)
    if prediction is None or prediction.model_version is None:
        return
    card = audit.read_model_card(
        pathlib.Path(run_config.serving_root), prediction.model, prediction.model_version
    )
    visualization.draw_timeline(prediction, folder / "timeline.png", card.thresholds)
    visualization.annotate(prediction, prediction.path, folder / "annotated.mp4")


def _colour(answer: VideoPrediction, truth: str) -> str:
    verdict = answer.verdict.value
    if answer.fake_probability is None:
        return f"{verdict}: {answer.reason}"
    colour = {truth: "green", "uncertain": "yellow"}.get(verdict, "red")
    return f"[{colour}]{verdict}[/{colour}] {answer.fake_probability:.2f}"
