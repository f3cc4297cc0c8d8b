//! What Terraform creates.

use crate::spec::stack::Distance;

/// What Terraform creates, in addition to a DSQL cluster for each Temporal cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Infrastructure {
    /// The prefix of every resource's name and the `Project` tag.
    pub project: String,
    /// The AWS region.
    pub region: String,
    /// The versions of Terraform that may run it.
    pub terraform_version: String,
    /// The versions of the provider `hashicorp/aws`.
    pub aws_version: String,
    /// The clusters that get a DSQL cluster.
    pub dsql: Vec<DsqlCluster>,
    /// The Bedrock knowledge base.
    pub knowledge_base: Option<KnowledgeBase>,
    /// Additional private buckets.
    pub buckets: Vec<Bucket>,
    /// The outputs, in order.
    pub outputs: Vec<Output>,
    /// The roles of pods, if the stack runs in EKS.
    pub pods: Option<PodIdentity>,
}

/// What pods may do in AWS, by EKS Pod Identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodIdentity {
    /// The EKS cluster.
    pub cluster: String,
    /// The namespace of the pods.
    pub namespace: String,
    /// A role for each service account.
    pub roles: Vec<PodRole>,
}

/// The role of a service's pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodRole {
    /// The service, which is the name of its service account.
    pub service: String,
    /// Its Terraform name.
    pub label: String,
    /// What it may do.
    pub permissions: Vec<Permission>,
}

/// Something that a role may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// Connect to the DSQL cluster with that Terraform name.
    Dsql(String),
    /// Read and write the bucket with that Terraform name.
    Bucket(String),
    /// Query the knowledge base.
    KnowledgeBase,
    /// Fill the knowledge base from its source.
    DataSource,
    /// Read metrics, as Grafana does.
    CloudWatch,
    /// Read traces, as Grafana does.
    XRay,
}

/// A DSQL cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct DsqlCluster {
    /// The Temporal cluster's name.
    pub name: String,
    /// Its Terraform name.
    pub label: String,
    /// What it is for.
    pub title: String,
}

/// A Bedrock knowledge base on S3 Vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct KnowledgeBase {
    /// What it contains.
    pub description: String,
    /// The embedding model's ID.
    pub embedding_model: String,
    /// The embedding's dimensions.
    pub dimensions: u32,
    /// How distance is measured.
    pub distance: Distance,
    /// Tokens of a chunk.
    pub chunk_tokens: u32,
    /// The overlap of a chunk with the next one, in percent.
    pub chunk_overlap: u32,
}

/// A private bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    /// Its name in the spec.
    pub name: String,
    /// Its Terraform name.
    pub label: String,
    /// What it holds.
    pub description: String,
}

/// A Terraform output.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Where its value comes from.
    pub value: OutputValue,
    /// The variables of `.env` that it fills.
    pub fills: Vec<String>,
}

/// Where the value of a Terraform output comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum OutputValue {
    /// The region.
    Region,
    /// The endpoint of the DSQL cluster with that Terraform name.
    DsqlEndpoint(String),
    /// The ID of the knowledge base.
    KnowledgeBaseId,
    /// The ID of the knowledge base's data source.
    DataSourceId,
    /// The name of the bucket with that Terraform name.
    BucketName(String),
}

impl Permission {
    /// What it allows, in words.
    pub fn described(&self) -> String {
        match self {
            Self::Dsql(label) => format!("connect to DSQL cluster `{label}`"),
            Self::Bucket(label) => format!("read and write bucket `{label}`"),
            Self::KnowledgeBase => "query the knowledge base".to_owned(),
            Self::DataSource => "fill the knowledge base".to_owned(),
            Self::CloudWatch => "read metrics of CloudWatch".to_owned(),
            Self::XRay => "read traces of X-Ray".to_owned(),
        }
    }
}

impl OutputValue {
    /// What a service that reads this value may do.
    pub fn permission(&self) -> Option<Permission> {
        match self {
            Self::Region => None,
            Self::DsqlEndpoint(label) => Some(Permission::Dsql(label.clone())),
            Self::KnowledgeBaseId => Some(Permission::KnowledgeBase),
            Self::DataSourceId => Some(Permission::DataSource),
            Self::BucketName(label) => Some(Permission::Bucket(label.clone())),
        }
    }
}

impl Output {
    /// Its description, with the variables that it fills.
    pub fn described(&self) -> String {
        if self.fills.is_empty() {
            self.description.clone()
        } else {
            format!("{}; fills {}", self.description, self.fills.join(", "))
        }
    }
}
