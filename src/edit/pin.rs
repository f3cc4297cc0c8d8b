//! The images of a spec, and their digests in its text.

use std::collections::{HashMap, HashSet};

use crate::diagnostic::{Diagnostics, Span};
use crate::resolve::tag;
use crate::spec;
use crate::spec::decode::Spanned;
use crate::spec::source::Sources;
use crate::spec::text::Text;

/// An image as a spec refers to it, in all the places that refer to it alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The reference; that of a text with variables is shown as it is written.
    pub reference: String,
    /// Why it can't be pinned.
    pub skipped: Option<&'static str>,
    places: Vec<Span>,
}

impl Image {
    /// The reference without its digest.
    pub fn tagged(&self) -> &str {
        without_digest(&self.reference)
    }

    /// Its digest.
    pub fn digest(&self) -> Option<&str> {
        self.reference.split_once('@').map(|(_, digest)| digest)
    }
}

fn without_digest(reference: &str) -> &str {
    reference.split_once('@').map_or(reference, |(tagged, _)| tagged)
}

/// The images of all profiles, in the order of the spec.
pub fn images(sources: &Sources) -> Vec<Image> {
    let mut diagnostics = Diagnostics::default();
    let mut places: HashMap<(u16, u32), (Span, Option<&'static str>, String)> = HashMap::new();
    spec::parse(sources, &mut diagnostics).for_each(
        |_| true,
        &mut diagnostics,
        |profile, _| {
            let Some(spec) = &profile.spec else { return };
            let of_images = spec.images.iter().map(|(_, image)| (&image.0.reference.value, image.0.build.is_some()));
            let of_services = spec.services.iter().filter_map(|(_, service)| {
                Some((&service.image.as_ref()?.value, service.compose.get("build").is_some()))
            });
            // Others may use what one of them builds.
            let built: HashSet<&str> = of_images
                .chain(of_services)
                .filter(|(_, is_built)| *is_built)
                .filter_map(|(image, _)| image.literal())
                .collect();
            let mut add = |text: &Text, span: Span, is_built: bool| {
                let written = sources.file(span).and_then(|file| file.text.get(span.start as usize..span.end as usize));
                let written = written.unwrap_or_default();
                let literal = text.literal().unwrap_or_default();
                let skipped = match text.literal() {
                    _ if is_built || built.contains(literal) => Some("it is built here"),
                    None => Some("it has a variable"),
                    Some(literal) if written.matches(literal).count() != 1 => Some("it is written with escapes"),
                    Some(literal) if tag(without_digest(literal)).is_none() => Some("it has no tag"),
                    Some(_) => None,
                };
                let reference = if literal.is_empty() { written.trim_matches(['"', '\'']) } else { literal };
                // A profile that pulls what another one builds is not told apart.
                let place = places.entry((span.file, span.start)).or_insert((span, skipped, reference.to_owned()));
                place.1 = place.1.or(skipped);
            };
            for (_, image) in spec.images.iter() {
                add(&image.0.reference.value, image.0.reference.span, image.0.build.is_some());
            }
            let is_reference =
                |image: &Spanned<Text>| image.value.literal().is_none_or(|image| image.contains([':', '/', '@']));
            for (_, service) in spec.services.iter() {
                if let Some(image) = service.image.as_ref().filter(|image| is_reference(image)) {
                    add(&image.value, image.span, service.compose.get("build").is_some());
                }
            }
            for (_, step) in spec.schema.iter().filter(|(_, step)| is_reference(&step.image)) {
                add(&step.image.value, step.image.span, false);
            }
        },
    );
    let mut places: Vec<_> = places.into_values().collect();
    places.sort_by_key(|(span, ..)| (span.file, span.start));
    let mut images: Vec<Image> = Vec::new();
    let mut known: HashMap<(String, Option<&'static str>), usize> = HashMap::new();
    for (span, skipped, reference) in places {
        let index = *known.entry((reference.clone(), skipped)).or_insert(images.len());
        match images.get_mut(index) {
            Some(image) => image.places.push(span),
            None => images.push(Image { reference, skipped, places: vec![span] }),
        }
    }
    images
}

/// The files that change if images get digests: the index and the new text of each. Nothing else moves or changes.
pub fn pinned(sources: &Sources, digests: &[(&Image, String)]) -> Vec<(usize, String)> {
    let mut edits: Vec<(Span, String)> = Vec::new();
    for (image, digest) in digests {
        let pinned = format!("{}@{digest}", image.tagged());
        edits.extend(image.places.iter().filter_map(|&span| {
            let file = sources.file(span)?;
            let written = file.text.get(span.start as usize..span.end as usize)?;
            Some((span, written.replacen(&image.reference, &pinned, 1)))
        }));
    }
    // From the end, so that earlier places stay.
    edits.sort_by_key(|(span, _)| std::cmp::Reverse((span.file, span.start)));
    let mut files: Vec<(usize, String)> = Vec::new();
    for (span, text) in edits {
        let file = usize::from(span.file);
        if files.last().is_none_or(|(last, _)| *last != file) {
            files.extend(sources.files().get(file).map(|source| (file, source.text.clone())));
        }
        if let Some((_, whole)) = files.last_mut() {
            whole.replace_range(span.start as usize..span.end as usize, &text);
        }
    }
    files.reverse();
    files
}
