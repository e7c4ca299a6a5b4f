import absl.logging

from pipeline.component_progress import ComponentProgress


def test_a_component_is_two_lines_and_only_errors_are_logged(capsys, caplog):
    logger = absl.logging.get_absl_logger()
    with ComponentProgress(2):
        for component in ("Trainer.a", "Evaluator.a"):
            logger.info("Component %s is running.", component)
            logger.warning("what TFX says besides")
            logger.info("Component %s is finished.", component)
        logger.error("a failure")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "(1/2) Trainer.a ..."
    assert lines[1].startswith("(1/2) Trainer.a: ")
    assert lines[2] == "(2/2) Evaluator.a ..."
    assert "a failure" in caplog.text
    assert "besides" not in caplog.text
    assert not logger.filters
