import pytest

from asyncsessions.errors import ConfigurationError
from asyncsessions.providers.command_line import Argument, CommandLine


def test_an_argument_names_its_option_itself_unless_it_is_told():
    assert Argument("landing_page", help="Only this page.").flag == "--landing-page"
    assert Argument("token_ids", help="Only these.", option="--token-id").flag == "--token-id"


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ({"name": "Landing-Page", "help": "x"}, "no name of an argument"),
        ({"name": "", "help": "x"}, "no name of an argument"),
        ({"name": "term", "help": ""}, "needs a help text"),
        ({"name": "term", "help": "x", "option": "-t"}, "no option"),
        ({"name": "term", "help": "x", "option": "term"}, "no option"),
        ({"name": "term", "help": "x", "variable": "$TERM"}, "no name of an environment variable"),
        ({"name": "term", "help": "x", "is_flag": True, "choices": ("a",)}, "is a flag"),
        ({"name": "term", "help": "x", "is_flag": True, "is_repeatable": True}, "is a flag"),
        ({"name": "term", "help": "x", "is_flag": True, "variable": "TERM"}, "is a flag"),
        ({"name": "term", "help": "x", "is_repeatable": True, "variable": "TERM"}, "repeats"),
    ],
)
def test_an_argument_that_the_shell_cannot_offer_is_refused(argument, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        Argument(**argument)


def test_settings_and_filters_come_in_their_order():
    url, term = Argument("base_url", help="Where."), Argument("term", help="Only this.")
    assert CommandLine(secret=None, settings=(url,), filters=(term,)).arguments == (url, term)


@pytest.mark.parametrize(
    ("second", "twice"),
    [
        (Argument("term", help="x", option="--other"), "term is declared twice"),
        (Argument("other", help="x", option="--term"), "--term is declared twice"),
    ],
)
def test_two_arguments_of_one_name_or_option_are_refused(second, twice):
    with pytest.raises(ConfigurationError, match=twice):
        CommandLine(secret=None, settings=(Argument("term", help="x"),), filters=(second,))


def test_credentials_come_from_a_variable_with_the_name_of_one():
    assert CommandLine(secret="ACME_TOKEN").secret == "ACME_TOKEN"
    with pytest.raises(ConfigurationError, match="no name of an environment variable"):
        CommandLine(secret="my token")
