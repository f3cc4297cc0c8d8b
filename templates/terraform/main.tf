# Generated from spec/stack.toml: edit that file, then run `gen render`.

terraform {
  required_version = {= infrastructure.terraform_version|lit =}

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = {= infrastructure.aws_version|lit =}
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Lifecycle = "ephemeral"
      ManagedBy = "terraform"
      Project   = var.project_name
    }
  }
}
{%- if buckets.len() > 0 %}

data "aws_caller_identity" "current" {}
{%- endif %}
{%- if infrastructure.knowledge_base.is_some() %}

data "aws_partition" "current" {}
{%- endif %}
{%- for cluster in infrastructure.dsql %}

# Aurora DSQL: {= cluster.title|line =}
resource "aws_dsql_cluster" {= cluster.label|lit =} {
  deletion_protection_enabled = false

  tags = {
    Name = "${var.project_name}-{= cluster.name|inner =}"
  }
}
{%- endfor %}
{%- for bucket in buckets %}

# Bucket: {= bucket.description|line =}
resource "aws_s3_bucket" {= bucket.label|lit =} {
  # The names of buckets are global.
  bucket = "${var.project_name}-${data.aws_caller_identity.current.account_id}-{= bucket.suffix|inner =}"
  # A bucket that holds objects can't be destroyed otherwise.
  force_destroy = true
}

resource "aws_s3_bucket_versioning" {= bucket.label|lit =} {
  bucket = aws_s3_bucket.{= bucket.label|identifier =}.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" {= bucket.label|lit =} {
  bucket = aws_s3_bucket.{= bucket.label|identifier =}.id
  # Rules on versions need versioning.
  depends_on = [aws_s3_bucket_versioning.{= bucket.label|identifier =}]

  rule {
    id     = "remains"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 7
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" {= bucket.label|lit =} {
  bucket = aws_s3_bucket.{= bucket.label|identifier =}.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" {= bucket.label|lit =} {
  bucket                  = aws_s3_bucket.{= bucket.label|identifier =}.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

data "aws_iam_policy_document" {= bucket.tls|lit =} {
  statement {
    sid       = "DenyPlainHttp"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.{= bucket.label|identifier =}.arn, "${aws_s3_bucket.{= bucket.label|identifier =}.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" {= bucket.label|lit =} {
  bucket = aws_s3_bucket.{= bucket.label|identifier =}.id
  policy = data.aws_iam_policy_document.{= bucket.tls|identifier =}.json
  # S3 refuses two changes of a bucket's access at once.
  depends_on = [aws_s3_bucket_public_access_block.{= bucket.label|identifier =}]
}
{%- endfor %}
{%- if let Some(base) = infrastructure.knowledge_base %}

# Knowledge base: {= base.description|line =}
locals {
  embedding_model_arn = "arn:${data.aws_partition.current.partition}:bedrock:${var.region}::foundation-model/{= base.embedding_model|inner =}"
}

resource "aws_s3vectors_vector_bucket" "knowledge" {
  vector_bucket_name = "${var.project_name}-${data.aws_caller_identity.current.account_id}-vectors"
  force_destroy      = true
}

resource "aws_s3vectors_index" "knowledge" {
  vector_bucket_name = aws_s3vectors_vector_bucket.knowledge.vector_bucket_name
  index_name         = "knowledge"
  data_type          = "float32"
  dimension          = {= base.dimensions|lit =}
  distance_metric    = {= base.distance.as_str()|lit =}

  # Bedrock keeps the chunk's text here; filterable metadata has at most 2 KiB.
  metadata_configuration {
    non_filterable_metadata_keys = ["AMAZON_BEDROCK_TEXT", "AMAZON_BEDROCK_METADATA"]
  }
}

data "aws_iam_policy_document" "knowledge_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["bedrock.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${data.aws_partition.current.partition}:bedrock:${var.region}:${data.aws_caller_identity.current.account_id}:knowledge-base/*"]
    }
  }
}

data "aws_iam_policy_document" "knowledge" {
  statement {
    sid       = "Embed"
    actions   = ["bedrock:InvokeModel"]
    resources = [local.embedding_model_arn]
  }

  statement {
    sid       = "ListSource"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.knowledge_source.arn]
  }

  statement {
    sid       = "ReadSource"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.knowledge_source.arn}/*"]
  }

  statement {
    sid = "Vectors"
    actions = [
      "s3vectors:DeleteVectors",
      "s3vectors:GetIndex",
      "s3vectors:GetVectors",
      "s3vectors:PutVectors",
      "s3vectors:QueryVectors",
    ]
    resources = [aws_s3vectors_index.knowledge.index_arn]
  }
}

resource "aws_iam_role" "knowledge" {
  name               = "${var.project_name}-${var.region}-knowledge"
  assume_role_policy = data.aws_iam_policy_document.knowledge_trust.json
}

resource "aws_iam_role_policy" "knowledge" {
  name   = "knowledge"
  role   = aws_iam_role.knowledge.id
  policy = data.aws_iam_policy_document.knowledge.json
}

resource "aws_bedrockagent_knowledge_base" "this" {
  name        = "${var.project_name}-knowledge"
  description = {= base.description|lit =}
  role_arn    = aws_iam_role.knowledge.arn

  knowledge_base_configuration {
    type = "VECTOR"

    vector_knowledge_base_configuration {
      embedding_model_arn = local.embedding_model_arn

      embedding_model_configuration {
        bedrock_embedding_model_configuration {
          dimensions          = {= base.dimensions|lit =}
          embedding_data_type = "FLOAT32"
        }
      }
    }
  }

  storage_configuration {
    type = "S3_VECTORS"

    s3_vectors_configuration {
      index_arn = aws_s3vectors_index.knowledge.index_arn
    }
  }

  # Bedrock tries the role when the knowledge base is created.
  depends_on = [aws_iam_role_policy.knowledge]
}

resource "aws_bedrockagent_data_source" "this" {
  name              = "${var.project_name}-source"
  knowledge_base_id = aws_bedrockagent_knowledge_base.this.id
  # The vectors go with their bucket; deleting them one by one needs a role that may be gone.
  data_deletion_policy = "RETAIN"

  data_source_configuration {
    type = "S3"

    s3_configuration {
      bucket_arn = aws_s3_bucket.knowledge_source.arn
    }
  }

  vector_ingestion_configuration {
    chunking_configuration {
      chunking_strategy = "FIXED_SIZE"

      fixed_size_chunking_configuration {
        max_tokens         = {= base.chunk_tokens|lit =}
        overlap_percentage = {= base.chunk_overlap|lit =}
      }
    }
  }
}
{%- endif %}
{%- if let Some(pods) = infrastructure.pods %}

# EKS Pod Identity: a role for each service account
locals {
  pods = toset([
{%- for role in pods.roles %}
    {= role.service|lit =},
{%- endfor %}
  ])
}

data "aws_iam_policy_document" "pods" {
  for_each = local.pods

  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]

    principals {
      type        = "Service"
      identifiers = ["pods.eks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/eks-cluster-name"
      values   = [var.eks_cluster]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/kubernetes-namespace"
      values   = [{= pods.namespace|lit =}]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/kubernetes-service-account"
      values   = [each.key]
    }
  }
}

resource "aws_iam_role" "pod" {
  for_each = local.pods

  # The name of a role has at most 64 characters.
  name_prefix        = "${var.project_name}-"
  description        = "Pods of ${each.key}"
  assume_role_policy = data.aws_iam_policy_document.pods[each.key].json
}

resource "aws_eks_pod_identity_association" "pod" {
  for_each = local.pods

  cluster_name    = var.eks_cluster
  namespace       = {= pods.namespace|lit =}
  service_account = each.key
  role_arn        = aws_iam_role.pod[each.key].arn
}
{%- for role in pods.roles %}
{%- if !role.permissions.is_empty() %}

data "aws_iam_policy_document" {= role.label|lit =} {
{%- for permission in role.permissions %}
{%- if !loop.first %}
{% endif %}
{%- match permission %}
{%- when Permission::Dsql with (label) %}
  statement {
    actions   = ["dsql:DbConnect", "dsql:DbConnectAdmin"]
    resources = [aws_dsql_cluster.{= label|identifier =}.arn]
  }
{%- when Permission::Bucket with (label) %}
  statement {
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.{= label|identifier =}.arn]
  }

  statement {
    actions   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.{= label|identifier =}.arn}/*"]
  }
{%- when Permission::KnowledgeBase %}
  statement {
    actions   = ["bedrock:Retrieve"]
    resources = [aws_bedrockagent_knowledge_base.this.arn]
  }
{%- when Permission::DataSource %}
  statement {
    actions   = ["bedrock:GetIngestionJob", "bedrock:ListIngestionJobs", "bedrock:StartIngestionJob"]
    resources = [aws_bedrockagent_knowledge_base.this.arn]
  }
{%- when Permission::CloudWatch %}
  # None of these can be restricted to a resource.
  statement {
    actions = [
      "cloudwatch:GetMetricData",
      "cloudwatch:GetMetricStatistics",
      "cloudwatch:ListMetrics",
      "ec2:DescribeInstances",
      "ec2:DescribeRegions",
      "ec2:DescribeTags",
      "tag:GetResources",
    ]
    resources = ["*"]
  }
{%- when Permission::XRay %}
  statement {
    actions = [
      "ec2:DescribeRegions",
      "xray:BatchGetTraces",
      "xray:GetGroups",
      "xray:GetInsight",
      "xray:GetInsightSummaries",
      "xray:GetServiceGraph",
      "xray:GetTimeSeriesServiceStatistics",
      "xray:GetTraceGraph",
      "xray:GetTraceSummaries",
    ]
    resources = ["*"]
  }
{%- endmatch %}
{%- endfor %}
}

resource "aws_iam_role_policy" {= role.label|lit =} {
  name   = "stack"
  role   = aws_iam_role.pod[{= role.service|lit =}].id
  policy = data.aws_iam_policy_document.{= role.label|identifier =}.json
}
{%- endif %}
{%- endfor %}
{%- endif %}
