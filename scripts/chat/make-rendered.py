"""Writes testdata/chat/rendered.jsonl: what the templates of testdata/chat/templates say for each chat of
testdata/chat/chats.json, in Jinja set up as `apply_chat_template` of transformers does it.

    pip install jinja2==3.1.6 && python scripts/chat/make-rendered.py
"""

import datetime
import json
import pathlib

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.nodes import CallBlock
from jinja2.sandbox import ImmutableSandboxedEnvironment

home = pathlib.Path(__file__).resolve().parents[2] / "testdata" / "chat"
NOW = datetime.datetime(2026, 2, 3, 4, 5, 6)
START, END = "\U0010fff0", "\U0010fff1"


class Generation(Extension):
    """`{% generation %}`, with what is in it between two characters that nothing else has."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return CallBlock(self.call_method("_mark"), [], [], body).set_lineno(line)

    def _mark(self, caller):
        return START + caller() + END


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment(now):
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    if now:
        env.globals["strftime_now"] = NOW.strftime
    return env


def normalized(message):
    """A message as `apply_chat_template` of transformers 5 hands it over: without fields that are null, and with thoughts by their names."""
    message = {key: value for key, value in message.items() if value is not None}
    thoughts = next((message[name] for name in ("reasoning_content", "thinking", "reasoning") if name in message), None)
    return message if thoughts is None else {"thinking": thoughts, **message, "reasoning_content": thoughts}


def unmark(marked):
    text, starts, generations = "", [], []
    for c in marked:
        if c == START:
            starts.append(len(text.encode()))
        elif c == END:
            generations.append([starts.pop(), len(text.encode())])
        else:
            text += c
    return text, sorted(generations)


chats = json.loads((home / "chats.json").read_text())
with open(home / "rendered.jsonl", "w") as out:
    for chat in chats:
        for name in chat["templates"]:
            values = {"messages": None, "tools": None, "documents": None, **chat["values"]}
            values["messages"] = [normalized(message) for message in values["messages"]]
            source = (home / "templates" / f"{name}.jinja").read_text()
            row = {"template": name, "title": chat["title"], "now": chat.get("now", False)}
            try:
                template = environment(row["now"]).from_string(source)
                text, generations = unmark(template.render(**{**chats[0]["trusted"][name], **values}))
                row.update(text=text, generations=generations)
            except jinja2.exceptions.TemplateError as error:
                row.update(error=str(error))
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
