from pathlib import Path
from textwrap import dedent

import pytest

from tools import run_blocks, runners


@pytest.fixture
def results(tmp_path: Path):
    """A function that runs one document and returns its tally."""

    def run(text: str) -> run_blocks.Tally:
        document = tmp_path / "README.md"
        document.write_text(dedent(text), encoding="utf-8")
        tally = run_blocks.Tally()
        run_blocks.run_file(document, tally)
        return tally

    return run


def test_a_python_block_runs_as_a_script_and_its_output_is_compared(results):
    tally = results("""
        ```python
        if __name__ == "__main__":
            print("rows", 3)
        ```

        <!-- output -->
        ```text
        rows 3
        ```
    """)
    assert (tally.passed, tally.failed) == (1, [])


def test_other_output_than_the_document_says_is_a_failure_with_a_diff(results):
    tally = results("""
        ```python
        print("rows 3")
        ```
        <!-- output -->
        ```text
        rows 4
        ```
    """)
    (fault,) = tally.failed
    assert "-rows 4" in fault
    assert "+rows 3" in fault
    assert "README.md:7" in fault


def test_a_block_that_raises_is_a_failure_with_the_line_of_the_document(results):
    tally = results("""
        ```python
        x = 1
        raise ValueError(x)
        ```
    """)
    (fault,) = tally.failed
    assert 'README.md", line 4' in fault
    assert "ValueError: 1" in fault


def test_a_block_that_continues_has_the_names_of_the_one_before_and_others_do_not(results):
    tally = results("""
        ```python
        n = 1
        ```
        ```console
        $ touch between
        ```
        <!-- continues -->
        ```python
        from pathlib import Path
        print(n + 1, Path("between").exists())
        ```
        <!-- output -->
        ```text
        2 True
        ```
        ```python
        print(n)
        ```
    """)
    assert tally.passed == 3
    (fault,) = tally.failed
    assert "NameError" in fault


def test_commands_share_a_shell_and_each_output_is_compared(results):
    tally = results("""
        ```console
        $ export NAME=hum
        $ echo "pulled from $NAME" \\
        >   in 1.25 s
        pulled from hum in ... s
        $ seq 5
        1
        ...
        5
        ```
    """)
    assert (tally.passed, tally.failed) == (1, [])


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("$ echo a\nb", "+a"),
        ("$ false", "status 1"),
        ("$ exit 0\n$ echo a", "the shell ended"),
        ("$ echo 'a", "the shell ended"),
        ("a\n$ echo a", "output before the first command"),
        ("false\ntrue", "status 1"),
    ],
)
def test_a_shell_block_fails_for_output_for_status_and_for_ending_early(results, block, said):
    tally = results(f"```shell\n{block}\n```\n")
    (fault,) = tally.failed
    assert said in fault


def test_a_block_is_left_out_only_for_a_reason_which_is_kept(results):
    tally = results("""
        <!-- not executed: needs an account -->
        ```console
        $ false
        ```
        <!-- not executed -->
        ```console
        $ true
        ```
    """)
    assert len(tally.left_out) == 1
    assert "needs an account" in tally.left_out[0]
    assert "needs a reason" in tally.failed[0]


@pytest.mark.parametrize("above", ["ouput", "continue"])
def test_a_misspelt_comment_above_a_block_is_a_failure(results, above):
    assert "unknown comment" in results(f"<!-- {above} -->\n```text\na\n```\n").failed[0]


def test_output_without_a_block_that_ran_is_a_failure(results):
    assert results("<!-- output -->\n```text\na\n```\n").failed


def test_a_block_that_takes_too_long_is_ended(results, monkeypatch):
    monkeypatch.setattr(runners, "TIMEOUT_S", 0.5)
    tally = results("```python\nimport time; time.sleep(60)\n```\n```sh\nsleep 60\n```\n")
    assert len(tally.failed) == 2


def test_blocks_do_not_see_the_secrets_of_the_caller(results, monkeypatch):
    monkeypatch.setenv("HUM_API_TOKEN", "real")
    tally = results('```sh\ntest -z "${HUM_API_TOKEN:-}"\n```\n')
    assert tally.passed == 1


def test_a_run_without_any_block_is_a_failure(tmp_path, capsys):
    (tmp_path / "a.md").write_text("text")
    assert run_blocks.main([str(tmp_path / "a.md")]) == 1
    assert "checks nothing" in capsys.readouterr().out


def test_a_block_that_is_a_file_is_written_for_the_later_ones_and_not_run(results):
    tally = results("""
        <!-- file: acme.py -->
        ```python
        NAME = "acme"
        print("imported")
        ```
        ```python
        import sys
        sys.path.insert(0, ".")
        from acme import NAME
        print(NAME)
        ```
        <!-- output -->
        ```text
        imported
        acme
        ```
    """)
    assert (tally.passed, tally.failed) == (1, [])


@pytest.mark.parametrize("name", ["", "../acme.py", "a/b.py"])
def test_a_block_is_no_file_outside_of_its_folder(results, name):
    tally = results(f"""
        <!-- file: {name} -->
        ```python
        pass
        ```
    """)
    (fault,) = tally.failed
    assert "a file needs a plain name" in fault
