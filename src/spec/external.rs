//! `[external.<name>]`: what already runs outside of the stack.

use super::decode::{Context, Map, Spanned, table};
use super::kind::{self, Kind, Settings};
use super::text::Text;

table! {
    /// A service that already runs outside of the stack, such as a managed database. It gets no container; `${name.port}` is its
    /// address, as it is for the stack's own services.
    pub struct External as "an external service" then settle {
        /// What it is, if it is something that `gen` knows how to use.
        kind: Option<Spanned<Kind>>,
        /// Its host name or address.
        host: Spanned<Text>,
        /// The number of each port by name; those of its kind if left out.
        ports: Map<Spanned<u16>>,
        /// The settings of its kind that its clients need, such as the user of a database.
        settings: Option<Box<Settings>>,
        /// A heading that related services share in the docs.
        group: Option<String>,
        /// What it is for, in one line.
        description: Option<String>,
    }
}

/// Reads the settings, once the kind is known.
fn settle(mut external: External, cx: &mut Context<'_>) -> External {
    let kind = external.kind.as_ref().map(|kind| kind.value.clone());
    if let Some(settings) = &mut external.settings {
        external.sound &= kind::settle_settings(kind.as_ref(), settings, external.sound, cx);
    }
    external
}
