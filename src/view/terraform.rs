//! `terraform/<profile>/{main,variables,outputs}.tf`.

use askama::Template;

use crate::lit::hcl as filters;
use crate::model::infrastructure::{Infrastructure, OutputValue, Permission};

#[derive(Template)]
#[template(path = "terraform/main.tf")]
struct Main<'a> {
    infrastructure: &'a Infrastructure,
    buckets: Vec<Bucket<'a>>,
}

struct Bucket<'a> {
    label: &'a str,
    /// The label of the policy that refuses plain HTTP.
    tls: String,
    suffix: &'a str,
    description: &'a str,
}

/// No other policy's label ends like this.
fn tls(label: &str) -> String {
    format!("{label}_tls")
}

pub(super) fn main(infrastructure: &Infrastructure) -> askama::Result<String> {
    let source = infrastructure.knowledge_base.as_ref().map(|_| Bucket {
        label: "knowledge_source",
        tls: tls("knowledge_source"),
        suffix: "knowledge-source",
        description: "What the knowledge base reads",
    });
    let buckets = infrastructure.buckets.iter().map(|bucket| Bucket {
        label: &bucket.label,
        tls: tls(&bucket.label),
        suffix: &bucket.name,
        description: &bucket.description,
    });
    Main { infrastructure, buckets: source.into_iter().chain(buckets).collect() }.render()
}

#[derive(Template)]
#[template(path = "terraform/variables.tf")]
struct Variables<'a> {
    infrastructure: &'a Infrastructure,
}

pub(super) fn variables(infrastructure: &Infrastructure) -> askama::Result<String> {
    Variables { infrastructure }.render()
}

#[derive(Template)]
#[template(path = "terraform/outputs.tf")]
struct Outputs<'a> {
    infrastructure: &'a Infrastructure,
}

pub(super) fn outputs(infrastructure: &Infrastructure) -> askama::Result<String> {
    Outputs { infrastructure }.render()
}
