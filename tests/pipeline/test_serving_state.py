"""When what is being served makes a run compare again, and when the cache may answer."""

import pytest

import configs
from pipeline import config, serving_state


@pytest.fixture
def run(tmp_path):
    loaded = config.load(
        configs.FOLDER / "demo.yaml", [f"serving_root={tmp_path / 'serving'}", "models.0.steps=7"]
    )
    (tmp_path / "run").mkdir()

    class Run:
        """Runs that give a key, serve something else meanwhile, and record it."""

        def key(self, model=0, fingerprint="data"):
            return serving_state.baseline_key(
                tmp_path / "run", loaded, loaded.candidates[model], fingerprint
            )

        def finish(self, key, fingerprint="data"):
            serving_state.record(tmp_path / "run", loaded, loaded.candidates[0], fingerprint, key)

        def serve(self, version):
            folder = tmp_path / "serving" / loaded.models[0].name / str(version)
            folder.mkdir(parents=True)
            (folder / "saved_model.pb").touch()

        def remove(self, version):
            (
                tmp_path / "serving" / loaded.models[0].name / str(version) / "saved_model.pb"
            ).unlink()

    return Run()


def test_an_unchanged_run_gives_the_same_key_although_the_first_one_pushed(run):
    key = run.key()
    run.serve(1)
    run.finish(key)
    assert run.key() == key


def test_a_version_that_somebody_else_pushed_or_removed_gives_new_keys(run):
    keys = [run.key()]
    run.serve(1)
    run.finish(keys[-1])
    run.remove(1)
    keys.append(run.key())
    run.serve(2)
    run.finish(keys[-1])
    run.serve(3)
    keys.append(run.key())
    assert len(set(keys)) == 3


def test_going_back_to_an_earlier_candidate_compares_with_what_is_served_now(run):
    first = run.key(fingerprint="a")
    run.finish(first, fingerprint="a")  # refused: nothing is served
    second = run.key(fingerprint="b")
    run.serve(1)
    run.finish(second, fingerprint="b")
    assert run.key(fingerprint="a") not in (first, second)


def test_models_are_kept_apart(run):
    run.serve(1)
    run.finish(run.key())
    assert run.key(model=1) == "None"
