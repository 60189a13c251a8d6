"""Both spellings of an option, and one line that says what is wrong and what was meant."""

import pytest

from hf_multiteacher.commands.main import main
from hf_multiteacher.commands.parser import CommandParser


@pytest.fixture
def parser():
    """A parser with options in it and in a group."""
    parser = CommandParser(prog="hf-multiteacher word", examples=["hf-multiteacher word  --dry-run"])
    parser.add_argument("--output-dir")
    parser.add_argument_group("a group").add_argument("--dry-run", action="store_true")
    parser.add_argument("--names", nargs="*")
    return parser


@pytest.mark.parametrize("output", [["--output-dir", "a_b"], ["--output_dir", "a_b"], ["--output_dir=a_b"]])
@pytest.mark.parametrize("dry", ["--dry-run", "--dry_run"])
def test_an_option_has_two_spellings_and_a_value_one(parser, output, dry):
    parsed = parser.parse_args([*output, dry, "--names", "c_d"])
    assert (parsed.output_dir, parsed.dry_run, parsed.names) == ("a_b", True, ["c_d"])


def test_the_help_shows_an_option_once_and_an_example_as_it_is(parser):
    page = parser.format_help()
    assert page.count("  --output-dir") == 1 and "output_dir" not in page
    assert page.endswith("\nexamples:\n  hf-multiteacher word  --dry-run\n")
    assert "examples" not in CommandParser(prog="hf-multiteacher word").format_help()


def test_words_that_nobody_knows_are_refused_or_handed_on(parser):
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(["--max_steps", "3"])
    parser.takes_more = True
    assert parser.parse_known_args(["--max_steps", "3", "--dry_run"])[1] == ["--max_steps", "3"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["demp"], "There is no command 'demp'. Did you mean 'demo'? `hf-multiteacher --help` says what there is."),
        (["x"], "There is no command 'x'. `hf-multiteacher --help` says what there is."),
        (["demo", "--output_di=x"], "There is no option '--output_di'. Did you mean '--output-dir'? "),
        (["demo", "--quik"], "There is no option '--quik'. Did you mean '--quick'? `hf-multiteacher demo --help`"),
        (["demo", "--zzz", "1"], "There is no option '--zzz'. `hf-multiteacher demo --help` says what there is."),
        (["demo", "more"], "Nothing more is expected, but got more. Leave it out. `hf-multiteacher demo --help`"),
        (["demo", "--seed", "x"], "Argument --seed: invalid int value: 'x'. `hf-multiteacher demo --help`"),
        (["push"], "The following arguments are required: FOLDER, ORG/NAME. `hf-multiteacher push --help`"),
        (["--versio"], "There is no option '--versio'. Did you mean '--version'? "),
    ],
)
def test_what_is_mistyped_is_one_line_and_code_2(words, says, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(words)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"hf-multiteacher: {says}")
