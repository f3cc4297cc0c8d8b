//! The tokens of a TOML text.

use std::ops::Range;

use toml_parser::lexer::TokenKind;

/// A token of a text.
#[derive(Debug, Clone)]
pub(super) struct Token<'t> {
    pub(super) kind: TokenKind,
    pub(super) text: &'t str,
    /// Its place, in bytes.
    pub(super) place: Range<usize>,
}

impl Token<'_> {
    /// Whether it is whitespace or a newline.
    pub(super) fn is_layout(&self) -> bool {
        matches!(self.kind, TokenKind::Whitespace | TokenKind::Newline)
    }
}

/// All tokens, without the end.
pub(super) fn of(text: &str) -> Vec<Token<'_>> {
    toml_parser::Source::new(text)
        .lex()
        .filter(|token| token.kind() != TokenKind::Eof)
        .map(|token| {
            let place = token.span().start()..token.span().end();
            Token { kind: token.kind(), text: text.get(place.clone()).unwrap_or_default(), place }
        })
        .collect()
}
