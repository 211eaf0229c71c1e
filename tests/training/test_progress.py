import pytest

from signbit.training.progress import TrainingProgress

ENTRY = {
    "epoch": 2,
    "train_loss": 1.25,
    "test_loss": 1.5,
    "top1": 0.5,
    "lr": 0.01,
    "seconds": 3.0,
    "wait": 0.0123,
}


def test_lines_go_to_stderr_without_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingProgress(9, 4, 1, show=True) as progress:
        progress.step(1, 1.0, 100.0, 0.01)
        progress.epoch(ENTRY)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "epoch 2/9  loss 1.2500  test loss 1.5000  top-1 50.00%  lr 0.01  3.0 s  input wait 1.2%"
    ]


def test_silence_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingProgress(9, 4, 1, show=False) as progress:
        progress.say("hello")
        progress.epoch(ENTRY)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
