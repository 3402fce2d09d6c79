"""C++ text as tokens: enough for rules about braces, far from a compiler."""

import dataclasses
import re

TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*|/\*.*?\*/|\\\n)
      |(?P<directive>^[ \t]*\#(?:[^\n\\]|\\.|\\\n)*)
      |(?P<string>(?:u8|[uUL])?R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|(?:u8|[uUL])?"(?:[^"\\\n]|\\.)*"|(?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)+')
      |(?P<word>[A-Za-z_]\w*)
      |(?P<number>[0-9](?:[\w.]|'(?=\w))*)
      |(?P<mark2>->|::|\[\[|\]\]|[^\s\w])""",
    re.VERBOSE | re.DOTALL | re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Token:
    text: str
    line: int

    @property
    def is_word(self):
        return self.text[0].isalpha() or self.text[0] == "_"


def tokenize(text):
    """Without comments, preprocessor lines and white space; a string literal is the token '""'."""
    tokens, line = [], 1
    for match in TOKEN.finditer(text):
        kind = match.lastgroup if match.lastgroup != "mark" else "string"
        if kind == "string":
            tokens.append(Token('""', line))
        elif kind == "mark2" and match.group() == "]]":
            # `a[b[0]]` ends two subscripts; attributes are rare enough to be treated alike.
            tokens += [Token("]", line), Token("]", line)]
        elif kind == "mark2" and match.group() == "[[":
            tokens += [Token("[", line), Token("[", line)]
        elif kind not in ("skip", "directive"):
            tokens.append(Token(match.group(), line))
        line += match.group().count("\n")
    return tokens
