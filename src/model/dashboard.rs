//! Dashboards: Grafana's JSON, with the values that other code needs.

use serde_json::{Map, Value, json};

use crate::lit::json::Document;
use crate::spec::stack::{DatasourceType, Queried};

/// A JSON object, with its keys in order.
pub type Json = Map<String, Value>;

/// A dashboard.
#[derive(Debug, Clone, PartialEq)]
pub struct Dashboard {
    /// The directory of its folder.
    pub folder: String,
    /// The name of its file, without its extension.
    pub name: String,
    /// The ID in its URL.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// What it is for; may be empty.
    pub description: String,
    /// The whole dashboard in Grafana's classic schema. Most of it is passed through, so it stays a tree.
    pub json: Document,
}

/// Where a query is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datasource {
    /// The ID of its plugin.
    pub plugin: String,
    /// Its UID, or a reference to a variable.
    pub uid: String,
}

impl Datasource {
    /// The datasource of a panel whose queries go to several (`MIXED_DATASOURCE_NAME` of Grafana's runtime).
    pub fn mixed() -> Self {
        Self { plugin: "datasource".to_owned(), uid: "-- Mixed --".to_owned() }
    }

    /// The reference to it in a dashboard.
    pub fn json(&self) -> Value {
        json!({ "type": self.plugin, "uid": self.uid })
    }
}

/// The language of a query, which depends on its datasource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Prometheus.
    PromQl,
    /// Loki.
    LogQl,
    /// Amazon's metrics.
    CloudWatch,
    /// The Infinity plugin.
    Infinity,
    /// Another plugin's.
    Other,
}

impl Language {
    /// The language that a plugin's queries are written in.
    pub fn of(id: &str) -> Self {
        let Some(Queried::Known(kind)) = Queried::from_word(id) else { return Self::Other };
        match kind {
            DatasourceType::Prometheus => Self::PromQl,
            DatasourceType::Loki => Self::LogQl,
            DatasourceType::CloudWatch => Self::CloudWatch,
            DatasourceType::Json => Self::Infinity,
            _ => Self::Other,
        }
    }
}

/// A place on the grid of 24 columns, in columns and rows of 30 pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Grid {
    /// The first column.
    pub x: u32,
    /// The first row.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Grid {
    /// The `gridPos` of a panel.
    pub fn json(self) -> Value {
        json!({ "h": self.height, "w": self.width, "x": self.x, "y": self.y })
    }
}
