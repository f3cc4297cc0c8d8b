//! `dynamicconfig/<cluster>.yaml`.

use askama::Template;

use crate::lit::yaml as filters;
use crate::model::Cluster;
use crate::model::kind::{DynamicSetting, DynamicValue};

#[derive(Template)]
#[template(path = "dynamicconfig/cluster.yaml")]
struct DynamicConfig<'a> {
    settings: &'a [DynamicSetting],
}

pub(super) fn render(cluster: &Cluster) -> askama::Result<String> {
    DynamicConfig { settings: &cluster.dynamic_config }.render()
}
