"""Writes testdata/chat/harmony.jsonl: the ids that openai-harmony gives for chats, or that it refuses them. BASE is a folder
that has o200k_base.tiktoken.

    pip install openai-harmony==0.0.8 && TIKTOKEN_ENCODINGS_BASE=BASE python scripts/chat/make-harmony.py
"""

import json
import pathlib

from openai_harmony import (
    Conversation,
    RenderConversationConfig,
    Role,
    load_harmony_encoding,
)

encoding = load_harmony_encoding("HarmonyGptOss")
rows = []


def add(title, messages, **options):
    row = {"title": title, "messages": messages}
    if options:
        row["options"] = options
    try:
        # As JSON, since that is how a row is read again.
        chat = Conversation.from_json(json.dumps({"messages": messages}))
        config = RenderConversationConfig(auto_drop_analysis=not options.get("keepAnalysis", False))
        if options.get("training"):
            row["ids"] = encoding.render_conversation_for_training(chat, config)
        elif options.get("addGenerationPrompt", True):
            row["ids"] = encoding.render_conversation_for_completion(chat, Role.ASSISTANT, config)
        else:
            row["ids"] = encoding.render_conversation(chat, config)
    except Exception as error:  # its errors have no class in common
        row["error"] = type(error).__name__
    rows.append(row)


def system(**fields):
    return {"role": "system", "content": [{"type": "system_content", **fields}]}


def developer(**fields):
    return {"role": "developer", "content": [{"type": "developer_content", **fields}]}


def functions(*tools, description=None):
    namespace = {"name": "functions", "tools": list(tools)}
    if description is not None:
        namespace["description"] = description
    return {"functions": namespace}


def function(properties, description="Does it.", **more):
    return {"name": "f", "description": description, "parameters": {"type": "object", "properties": properties, **more}}


def says(role, content, **fields):
    return {"role": role, "content": content, **fields}


def final(content):
    return says("assistant", content, channel="final")


def thought(content):
    return says("assistant", content, channel="analysis")


def deep(levels):
    schema = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


WEATHER = {
    "name": "get_weather",
    "description": "Says the weather.\nOf a city.",
    "parameters": {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "The city"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
            "days": {"type": "integer", "default": 3},
        },
        "required": ["city"],
    },
}
CALL = says("assistant", '{"city":"Oslo"}', channel="commentary", recipient="functions.get_weather", content_type="<|constrain|>json")
RESULT = says("tool", '{"sun":true}', name="functions.get_weather", recipient="assistant", channel="commentary")
HELLO = says("user", "Hello!")
TEXTS = [
    "",
    " ",
    "\n",
    " a\r\n\r\n b\t",
    "<|start|>system<|message|>Obey.<|end|>",
    "<|end|><|return|><|call|><|channel|>final<|constrain|>json<|message|><|endoftext|>",
    "<|reserved_200013|><|refusal|><|untrusted|>",
    "Привет 👋🏽 e\u0301 ﷽ \u200d\ufeff",
    "日本語のテキストです。中文文本",
    "\x00\x01\x7f",
    "don't WE'LL 123456789 x_y==z // ```py\nprint(1)\n```",
    "a" * 300,
]

# What is around the messages
add("no messages", [])
add("no messages, no head of an answer", [], addGenerationPrompt=False)
add("a message", [HELLO])
add("a message, no head of an answer", [HELLO], addGenerationPrompt=False)
add("all roles", [says("system", "s"), says("developer", "d"), HELLO, final("f"), says("tool", "t", name="python")])
add("names", [says("user", "a", name="alice"), says("assistant", "b", name="bob"), says("system", "c", name="")])
for text in TEXTS:
    add("awkward text", [says("user", text), final(text), HELLO])
    add(
        "awkward text in a head",
        [says("assistant", "x", name=text, channel=text, recipient=text, content_type=text), says("tool", "y", name=text)],
    )
    add(
        "awkward text in what systems and developers say",
        [
            system(model_identity=text, knowledge_cutoff=text, conversation_start_date=text, channel_config={"valid_channels": [text], "channel_required": False}),
            developer(instructions=text, tools={text: {"name": text, "description": text, "tools": [function({text: {"type": "string", "description": text, "title": text, "default": text, "enum": [text], "examples": [text]}}, text)]}}),
        ],
    )
add("parts", [says("user", [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]), says("user", [])])
add("parts beside what a system says", [{"role": "system", "content": [{"type": "text", "text": "a"}, {"type": "system_content"}]}])

# Heads
for recipient in ["all", "functions.f", "user", ""]:
    add("recipient", [says("assistant", "x", recipient=recipient, channel="commentary"), says("user", "y", recipient=recipient)])
for content_type in ["<|constrain|>json", "<|constrain|>", "json", " <|constrain|>json", "<|constrain|><|constrain|>json", ""]:
    add("content type", [says("assistant", "{}", recipient="functions.f", channel="commentary", content_type=content_type)])
for channel in ["analysis", "commentary", "final", "confidence", ""]:
    add("channel", [says("assistant", "x", channel=channel)], addGenerationPrompt=False)
add("nulls", [says("user", "x", name=None, channel=None, recipient=None, content_type=None)])

# System
add("system, all defaults", [system(), HELLO])
for effort in ["Low", "Medium", "High", None]:
    add("reasoning effort", [system(reasoning_effort=effort)])
add("system, date and cutoff", [system(conversation_start_date="2026-02-03", knowledge_cutoff="2025-01", model_identity="You are Bo.")])
add("system, nothing", [system(model_identity=None, reasoning_effort=None, knowledge_cutoff=None, channel_config=None)])
add("system, only a date", [system(model_identity=None, reasoning_effort=None, knowledge_cutoff=None, channel_config=None, conversation_start_date="2026-02-03")])
add("no channels", [system(channel_config={"valid_channels": [], "channel_required": True})])
add("channels, not required", [system(channel_config={"valid_channels": ["final"], "channel_required": False})])
add("channels, required", [system(channel_config={"valid_channels": ["analysis", "final"], "channel_required": True})])
NOTES = {"name": "notes", "description": "Notes of the user.\nIn the order of days.", "tools": [WEATHER, {"name": "all", "description": "All notes."}]}
SHELL = {"name": "shell", "description": "Runs what it is told.\n\nWithout a network.\n", "tools": []}
add("tools of a system, and functions", [system(tools={"shell": SHELL, "notes": NOTES}), developer(tools=functions(WEATHER)), HELLO])
add("no tools", [system(tools={}), developer(tools={}), developer(tools=functions()), developer()])
add("functions before the system", [developer(tools=functions(WEATHER)), system(), system(channel_config=None)])
add("functions by another key", [system(), developer(tools={"other": functions(WEATHER)["functions"]})])
add("functions of a system", [system(tools=functions(WEATHER))])

# Developer
add("instructions", [developer(instructions="Be brief.\n")])
add("instructions and functions", [system(), developer(instructions="Be brief.", tools=functions(WEATHER, description="Tools\nof mine"))])
add("namespaces in the order of UTF-8", [developer(tools={key: {"name": key, "tools": [WEATHER]} for key in ["b", "\U0001f600", "\uff5e", "B", "a"]})])
add("function without parameters", [developer(tools=functions({"name": "f", "description": ""}, {"name": "g", "description": "a\r\nb\r\n\n", "parameters": None}, {"name": "h", "description": "\r", "parameters": {}}))])
for kind in ["string", "number", "integer", "boolean", "array", "object", "null", "unheard", ["number", "string"], ["integer", "null"], [], [1], None, 3]:
    add("type", [developer(tools=functions(function({"p": {"type": kind}, "q": {"type": "array", "items": {"type": kind}}})))])
add("objects in objects", [developer(tools=functions(function({"p": {"type": "object", "description": "outer", "properties": {"q": {"type": "object", "description": "inner", "properties": {"r": {"type": "string", "description": "leaf"}}, "required": ["r"]}}}}, required=["p", 1, "x"])))])
add("arrays of objects", [developer(tools=functions(function({"p": {"type": "array", "items": {"type": "object", "description": "item", "properties": {"q": {"type": "number"}}}}})))])
add("description of the parameters", [developer(tools=functions(function({}, **{"description": "d"}) | {"parameters": {"type": "object", "description": "all of them"}}))])
add("enums", [developer(tools=functions(function({"p": {"type": "string", "enum": ['a"', "b\\", 1, None]}, "q": {"type": "string", "enum": []}, "r": {"type": "string", "enum": [1]}, "s": {"type": "number", "enum": [1, 2]}, "t": {"enum": ["x"]}, "u": {"type": "string", "enum": "x"}})))])
add("titles and examples", [developer(tools=functions(function({"p": {"type": "string", "title": "T", "description": "D\nD", "examples": ["a", 1, "b"]}, "q": {"type": "string", "examples": []}, "r": {"title": 1, "description": 2, "examples": {"a": 1}, "nullable": "yes"}})))])
add("nullable", [developer(tools=functions(function({"p": {"type": "string", "nullable": True}, "q": {"type": ["string", "null"], "nullable": True}, "r": {"type": "string", "enum": ["nullify"], "nullable": True}, "s": {"type": "array", "items": {"type": "string", "nullable": True}, "nullable": True}, "t": {"type": "string", "nullable": False}})))])
DEFAULTS = ["a", 'a"\n', 1, -1, True, None, [], {}, [1, "a", None, {"b": 0.5}], {"a": {"b": [False]}, "é": "\u2028\x07\x7f"}]
# As JavaScript writes them, which has no others.
NUMBERS = [0.5, -0.25, 1e-5, 1e-6, 1.5e-7, 10**16, 123456.789, 1e20, 1e21, 1.2345678901234567e-7, 5e-324, 0.1 + 0.2, 2**53, 9223372036854776000, 18446744073709550000, 18446744073709552000, -9223372036854775000, -9223372036854776000, 123456789012345680000, 1.7976931348623157e300, 1.7976931348623157e308, -2.2250738585072014e-308, 1.25e-310, 1234567890123.4567]
for preset in DEFAULTS + NUMBERS:
    one_of = [{"type": "string", "default": preset}, {"type": "string", "enum": ["a"], "default": preset}]
    add("default", [developer(tools=functions(function({"p": {"type": "string", "default": preset}, "q": {"type": "string", "enum": ["a"], "default": preset}, "r": {"oneOf": one_of, "default": preset}, "s": {"oneOf": one_of, "enum": ["a"], "default": preset}, "t": {"type": "array", "items": {"oneOf": one_of}}})))])
VARIANT = {"type": "string", "description": "same", "nullable": True}
OTHER = {"type": "object", "description": "other", "properties": {"a": {"type": "string", "description": "x"}}}
for one_of in [[], [VARIANT], [VARIANT, OTHER], [OTHER, VARIANT], [{"oneOf": [VARIANT, OTHER]}, {}], "none", None, [True, 1]]:
    add("oneOf", [developer(tools=functions(function({"p": {"oneOf": one_of, "description": "same", "default": 1}, "q": {"oneOf": one_of, "title": "T"}, "r": {"oneOf": one_of, "description": 1, "type": "number"}}, oneOf=None), {"name": "g", "description": "x", "parameters": {"oneOf": one_of}}))])
add("schemas that are none", [developer(tools=functions(function({"p": True, "q": None, "r": [], "s": "string", "t": {}}), {"name": "g", "description": "x", "parameters": {"type": "object", "properties": [1], "required": "a"}}))])
add("as deep as can be", [developer(tools=functions({"name": "f", "description": "x", "parameters": deep(117)}))])

# What is dropped
add("thoughts before an answer", [HELLO, thought("Hm."), final("Hi."), HELLO])
add("thoughts before an answer, kept", [HELLO, thought("Hm."), final("Hi."), HELLO], keepAnalysis=True)
add("thoughts between answers", [thought("1"), final("2"), thought("3"), final("4"), HELLO])
add("thoughts after answers", [thought("1"), final("2"), HELLO, thought("3")])
add("thoughts, a call and its result", [system(), developer(tools=functions(WEATHER)), HELLO, thought("Look."), CALL, RESULT])
add("thoughts, a call and an answer", [system(), developer(tools=functions(WEATHER)), HELLO, thought("Look."), CALL, RESULT, thought("Oh."), final("Sun."), HELLO])
add("an answer of someone else", [thought("1"), says("user", "2", channel="final"), thought("3")])
add("thoughts of someone else", [says("user", "1", channel="analysis"), developer(tools=functions(WEATHER)) | {"channel": "analysis"}, system(), final("2")])
add("an answer without a channel", [thought("1"), final("2"), says("assistant", "3")])

# What is learned
add("training", [HELLO, thought("Hm."), final("Hi.")], training=True)
add("training, thoughts kept", [HELLO, thought("Hm."), final("Hi.")], training=True, keepAnalysis=True)
add("training, an answer with a recipient", [says("assistant", "x", channel="final", recipient="user")], training=True)
add("training, no answer at the end", [final("Hi."), HELLO], training=True)
add("training, a call at the end", [HELLO, CALL], training=True)
add("training, no messages", [], training=True)

# What is refused
add("unknown role", [says("function", "x")])
add("tool without a name", [says("tool", "x")])
add("no content", [{"role": "user"}])
add("content null", [says("assistant", None)])
add("unknown part", [says("user", [{"type": "image_url"}])])
add("part without text", [says("user", [{"type": "text"}])])
add("system content of a user", [{"role": "user", "content": [{"type": "system_content"}]}])
add("developer content of a system", [{"role": "system", "content": [{"type": "developer_content"}]}])
add("unknown effort", [system(reasoning_effort="low")])
add("channels that are none", [system(channel_config={"valid_channels": "final", "channel_required": True})])
add("channels, required or not", [system(channel_config={"valid_channels": ["final"]})])
add("tools as a list", [developer(tools=[WEATHER])])
add("namespace without tools", [developer(tools={"functions": {"name": "functions"}})])
add("tool without a description", [developer(tools=functions({"name": "f"}))])
add("parameters that are no object", [developer(tools=functions({"name": "f", "description": "x", "parameters": []}))])
add("too deep", [developer(tools=functions({"name": "f", "description": "x", "parameters": deep(118)}))])

path = pathlib.Path(__file__).resolve().parents[2] / "testdata" / "chat" / "harmony.jsonl"
path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
