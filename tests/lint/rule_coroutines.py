"""GCC 12 destroys some temporaries twice when braces, or a lambda with captures, share an expression with co_await. And a lambda that is
a coroutine must capture nothing: its captures die with the lambda object, not with the coroutine."""

import cpp_tokens
from tree import Finding

OPEN = {"(": ")", "[": "]", "{": "}"}
SUSPENDS = {"co_await", "co_yield"}
COROUTINE = SUSPENDS | {"co_return"}
# What stands before a block, never before an initializer.
BEFORE_BLOCK = {")", ";", "{", "}", ":", "else", "do", "try", "noexcept", "const", "mutable", "override", "final"}
DECLARES = {"class", "struct", "union", "enum", "namespace", "extern"}


def check(tree):
    findings = []
    for path in tree.files(".h", ".cc"):
        for line, message in check_text(tree.read(path)):
            findings.append(Finding(path, line, message))
    return findings


def check_text(text):
    return Scanner(cpp_tokens.tokenize(text)).findings


class Expression:
    """What has been seen of the expression, or of the body, that is being read."""

    def __init__(self):
        self.suspends = None  # line
        self.brace = None
        self.capture = None


class Scanner:
    def __init__(self, tokens):
        self.tokens = tokens
        self.findings = []
        self.block(0)

    def text(self, i):
        return self.tokens[i].text if 0 <= i < len(self.tokens) else ""

    def block(self, i):
        """Reads statements up to the closing brace. Returns the position behind it, and whether it makes its function a coroutine."""
        coroutine, expression, start = False, Expression(), i
        while i < len(self.tokens) and self.text(i) != "}":
            text = self.text(i)
            if text == ";":
                self.judge(expression)
                expression, start, i = Expression(), i + 1, i + 1
            elif text == "{" and self.opens_block(i, start):
                self.judge(expression)
                i, inner = self.block(i + 1)
                coroutine = coroutine or inner
                expression, start = Expression(), i
            else:
                i, inner = self.element(i, expression)
                coroutine = coroutine or inner
        self.judge(expression)
        return i + 1, coroutine

    def element(self, i, expression):
        """Reads one token, or one bracketed group, or one lambda. Returns the position behind it and whether it suspends the function."""
        text = self.text(i)
        if text in COROUTINE:
            if text in SUSPENDS:
                expression.suspends = expression.suspends or self.tokens[i].line
            return i + 1, True
        if text == "[" and self.opens_lambda(i):
            return self.lambda_expression(i, expression), False
        if text not in OPEN:
            return i + 1, False
        if text == "{":
            expression.brace = expression.brace or self.tokens[i].line
        return self.group(i, expression)

    def group(self, i, expression):
        close, coroutine, i = OPEN[self.text(i)], False, i + 1
        while i < len(self.tokens) and self.text(i) != close:
            if self.text(i) == ";":  # for (a; b; c) and if (a; b) are several expressions
                self.judge(expression)
                expression.__init__()
                i += 1
                continue
            i, inner = self.element(i, expression)
            coroutine = coroutine or inner
        return i + 1, coroutine

    def opens_block(self, i, start):
        before = self.text(i - 1)
        if i == start or before in BEFORE_BLOCK:
            return True
        if before in ("=", ",", "(", "return", "co_return", "co_await"):
            return False
        statement = [token.text for token in self.tokens[start:i]]
        if DECLARES.intersection(statement) and "=" not in statement and "(" not in statement:
            return True
        return "->" in statement and self.follows_trailing_return(i)

    def follows_trailing_return(self, i):
        """`auto F() -> Task<void> {`: only a type lies between the arrow behind a parenthesis and the brace."""
        i -= 1
        while self.tokens[i].is_word or self.text(i) in ("::", "<", ">", ",", "&", "*"):
            i -= 1
        return self.text(i) == "->" and (self.text(i - 1) == ")" or self.tokens[i - 1].is_word)

    def opens_lambda(self, i):
        before = self.tokens[i - 1] if i else cpp_tokens.Token(";", 0)
        if self.text(i + 1) == "[" or before.text == "[":  # an attribute
            return False
        subscript = before.is_word and before.text not in ("return", "co_return", "co_await", "case")
        return not subscript and before.text not in (")", "]", '""')

    def lambda_expression(self, i, expression):
        line = self.tokens[i].line
        captures = self.text(i + 1) != "]"
        i, _ = self.group(i, Expression())
        while i < len(self.tokens) and self.text(i) not in ("{", ";", ")", ","):
            i = self.group(i, Expression())[0] if self.text(i) in ("(", "[") else i + 1
        if self.text(i) != "{":
            return i  # not a lambda after all: a structured binding, say
        i, coroutine = self.block(i + 1)
        if captures:
            expression.capture = expression.capture or line
            if coroutine:
                self.findings.append((line, "a lambda that is a coroutine captures nothing: pass what it needs as parameters"))
        return i

    def judge(self, expression):
        if expression.suspends is None:
            return
        if expression.brace is not None:
            self.findings.append((expression.brace, "braces in an expression with co_await: name the value first"))
        if expression.capture is not None:
            self.findings.append((expression.capture, "a capturing lambda in an expression with co_await: name it first"))
