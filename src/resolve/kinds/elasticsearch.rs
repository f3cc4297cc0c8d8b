//! The one-shot that prepares Elasticsearch for the clusters' visibility.

use super::{Preset, fixed, in_shell, needs};
use crate::model::kind::{Address, Visibility};
use crate::model::service::Command;
use crate::model::text::Text;
use crate::resolve::Resolver;
use crate::resolve::clusters::VISIBILITY;
use crate::resolve::health::wget;
use crate::spec::decode::Spanned;
use crate::spec::service::{Condition, Service};

impl<'a> Resolver<'a> {
    pub(super) fn elasticsearch_setup(&mut self, name: &'a Spanned<String>, _: &'a Service, preset: &mut Preset) {
        let mut stores: Vec<(Address, Vec<String>)> = Vec::new();
        for (cluster_name, cluster) in self.spec.clusters.iter() {
            // A cluster without a store is reported with the cluster.
            let Visibility::Elasticsearch { address: Some(store), index } = self.visibility(cluster_name, cluster)
            else {
                continue;
            };
            self.refer_to(&store);
            match stores.iter_mut().find(|(known, _)| *known == store) {
                Some((_, indices)) => indices.push(index),
                None => stores.push((store, vec![index])),
            }
        }
        if self.spec.clusters.is_empty() {
            let what = format!("`{}`", name.value);
            let store = self.store(("visibility", None), VISIBILITY, &what, name.span);
            let store = store.and_then(|store| self.query_address(store, VISIBILITY));
            if let Some(store) = store {
                self.refer_to(&store);
                stores.push((store, Vec::new()));
            }
        }
        // Every step may be repeated: an index that exists is left as it is (admin-tools 1.31.2).
        let mut script: Vec<Text> = vec!["set -eu\n".into()];
        for (store, indices) in &stores {
            if stores.len() > 1 {
                script.extend(["export ES_SERVER=".into(), store.url(), "\n".into()]);
            }
            script.push("temporal-elasticsearch-tool setup-schema\n".into());
            for index in indices {
                script.push(format!("temporal-elasticsearch-tool create-index --index {index}\n").into());
            }
        }
        if let [(store, _)] = stores.as_slice() {
            preset.environment.push(fixed("ES_SERVER", store.url()));
        }
        preset.command = Some(Command::Arguments(vec![Text::concat(script)]));
        let created =
            stores.iter().flat_map(|(store, indices)| indices.iter().map(move |index| format!("{store}/{index}")));
        let effect: Vec<String> = created.map(|url| wget(&url).join(" ")).collect();
        preset.effect = Some(in_shell(&effect.join(" && ")));
        let stores = stores.iter().filter_map(|(store, _)| store.name());
        preset.depends_on.extend(stores.map(|store| needs(store, Condition::Healthy)));
    }
}
