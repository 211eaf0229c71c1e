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

LINE = "epoch 2/9  loss 1.2500  test loss 1.5000  top-1 50.00%  lr 0.01  3.0 s  input wait 1.2%"


def test_lines_go_to_stderr_without_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingProgress(9, 4, 1, show=True) as progress:
        progress.step(1, 1.0, 100.0, 0.01)
        progress.epoch(ENTRY)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [LINE]


def test_silence_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingProgress(9, 4, 1, show=False) as progress:
        progress.say("hello")
        progress.epoch(ENTRY)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


@pytest.fixture(params=[45, 60, 80, 100, 200])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The columns of stderr, which rich takes to be a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(request.param))
    width: int = request.param
    return width


def test_on_a_terminal_an_epochs_line_breaks_between_measures(
    width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    TrainingProgress(9, 4, 1, show=True).epoch(ENTRY)
    lines = capsys.readouterr().err.splitlines()
    assert all(len(line) <= width for line in lines)
    assert len(lines) == (1 if width >= len(LINE) else 2 if width >= 60 else 3)
    assert "  ".join(line.strip() for line in lines) == LINE


def test_the_bar_is_whole_at_any_width(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    progress = TrainingProgress(256, 390, 4000, show=True)
    progress.step(12, 1.25, 1234.0, 0.0123)
    progress._console.print(progress._bar.make_tasks_table(progress._bar.tasks))
    shown = capsys.readouterr().err
    assert "…" not in shown
    assert "epoch 13/256" in shown
    assert "loss 1.250" in shown
    assert ("1234 images/s" in shown) == (width >= 60)


def test_what_is_said_is_no_markup_and_no_command_to_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    TrainingProgress(9, 4, 1, show=True).say("[red]cat[/] :cat: \x1b[2J\n.jpg")
    assert capsys.readouterr().err == r"[red]cat[/] :cat: \x1b[2J\n.jpg" + "\n"
