# Generated from spec/stack.toml: edit that file, then run `gen render`.

terraform {
  required_version = ">= 1.9.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.27.0, < 7.0.0"
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

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

# Aurora DSQL: the monitored cluster
resource "aws_dsql_cluster" "monitored" {
  deletion_protection_enabled = false

  tags = {
    Name = "${var.project_name}-monitored"
  }
}

# Aurora DSQL: the copilot's own cluster
resource "aws_dsql_cluster" "copilot" {
  deletion_protection_enabled = false

  tags = {
    Name = "${var.project_name}-copilot"
  }
}

# Bucket: What the knowledge base reads
resource "aws_s3_bucket" "knowledge_source" {
  # The names of buckets are global.
  bucket = "${var.project_name}-${data.aws_caller_identity.current.account_id}-knowledge-source"
  # A bucket that holds objects can't be destroyed otherwise.
  force_destroy = true
}

resource "aws_s3_bucket_versioning" "knowledge_source" {
  bucket = aws_s3_bucket.knowledge_source.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "knowledge_source" {
  bucket = aws_s3_bucket.knowledge_source.id
  # Rules on versions need versioning.
  depends_on = [aws_s3_bucket_versioning.knowledge_source]

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

resource "aws_s3_bucket_server_side_encryption_configuration" "knowledge_source" {
  bucket = aws_s3_bucket.knowledge_source.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "knowledge_source" {
  bucket                  = aws_s3_bucket.knowledge_source.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

data "aws_iam_policy_document" "knowledge_source_tls" {
  statement {
    sid       = "DenyPlainHttp"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.knowledge_source.arn, "${aws_s3_bucket.knowledge_source.arn}/*"]

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

resource "aws_s3_bucket_policy" "knowledge_source" {
  bucket = aws_s3_bucket.knowledge_source.id
  policy = data.aws_iam_policy_document.knowledge_source_tls.json
  # S3 refuses two changes of a bucket's access at once.
  depends_on = [aws_s3_bucket_public_access_block.knowledge_source]
}

# Bucket: Behaviour profiles of the copilot
resource "aws_s3_bucket" "profiles" {
  # The names of buckets are global.
  bucket = "${var.project_name}-${data.aws_caller_identity.current.account_id}-profiles"
  # A bucket that holds objects can't be destroyed otherwise.
  force_destroy = true
}

resource "aws_s3_bucket_versioning" "profiles" {
  bucket = aws_s3_bucket.profiles.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "profiles" {
  bucket = aws_s3_bucket.profiles.id
  # Rules on versions need versioning.
  depends_on = [aws_s3_bucket_versioning.profiles]

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

resource "aws_s3_bucket_server_side_encryption_configuration" "profiles" {
  bucket = aws_s3_bucket.profiles.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "profiles" {
  bucket                  = aws_s3_bucket.profiles.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

data "aws_iam_policy_document" "profiles_tls" {
  statement {
    sid       = "DenyPlainHttp"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.profiles.arn, "${aws_s3_bucket.profiles.arn}/*"]

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

resource "aws_s3_bucket_policy" "profiles" {
  bucket = aws_s3_bucket.profiles.id
  policy = data.aws_iam_policy_document.profiles_tls.json
  # S3 refuses two changes of a bucket's access at once.
  depends_on = [aws_s3_bucket_public_access_block.profiles]
}

# Knowledge base: Runbooks and documentation for the SRE copilot
locals {
  embedding_model_arn = "arn:${data.aws_partition.current.partition}:bedrock:${var.region}::foundation-model/amazon.titan-embed-text-v2:0"
}

resource "aws_s3vectors_vector_bucket" "knowledge" {
  vector_bucket_name = "${var.project_name}-${data.aws_caller_identity.current.account_id}-vectors"
  force_destroy      = true
}

resource "aws_s3vectors_index" "knowledge" {
  vector_bucket_name = aws_s3vectors_vector_bucket.knowledge.vector_bucket_name
  index_name         = "knowledge"
  data_type          = "float32"
  dimension          = 1024
  distance_metric    = "cosine"

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
  description = "Runbooks and documentation for the SRE copilot"
  role_arn    = aws_iam_role.knowledge.arn

  knowledge_base_configuration {
    type = "VECTOR"

    vector_knowledge_base_configuration {
      embedding_model_arn = local.embedding_model_arn

      embedding_model_configuration {
        bedrock_embedding_model_configuration {
          dimensions          = 1024
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
        max_tokens         = 512
        overlap_percentage = 20
      }
    }
  }
}

# EKS Pod Identity: a role for each service account
locals {
  pods = toset([
    "temporal-history",
    "temporal-matching",
    "temporal-frontend",
    "temporal-worker",
    "grafana",
    "copilot-temporal",
    "copilot-worker",
    "copilot-api",
    "schema-monitored",
    "schema-copilot",
    "schema-copilot-app",
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
      values   = ["sre-copilot"]
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
  namespace       = "sre-copilot"
  service_account = each.key
  role_arn        = aws_iam_role.pod[each.key].arn
}

data "aws_iam_policy_document" "pod_temporal_history" {
  statement {
    actions   = ["dsql:DbConnect", "dsql:DbConnectAdmin"]
    resources = [aws_dsql_cluster.monitored.arn]
  }
}

resource "aws_iam_role_policy" "pod_temporal_history" {
  name   = "stack"
  role   = aws_iam_role.pod["temporal-history"].id
  policy = data.aws_iam_policy_document.pod_temporal_history.json
}

data "aws_iam_policy_document" "pod_temporal_matching" {
  statement {
    actions   = ["dsql:DbConnect", "dsql:DbConnectAdmin"]
    resources = [aws_dsql_cluster.monitored.arn]
  }
}

resource "aws_iam_role_policy" "pod_temporal_matching" {
  name   = "stack"
  role   = aws_iam_role.pod["temporal-matching"].id
  policy = data.aws_iam_policy_document.pod_temporal_matching.json
}

data "aws_iam_policy_document" "pod_temporal_frontend" {
  statement {
    actions   = ["dsql:DbConnect", "dsql:DbConnectAdmin"]
    resources = [aws_dsql_cluster.monitored.arn]
  }
}

resource "aws_iam_role_policy" "pod_temporal_frontend" {
  name   = "stack"
  role   = aws_iam_role.pod["temporal-frontend"].id
  policy = data.aws_iam_policy_document.pod_temporal_frontend.json
}

data "aws_iam_policy_document" "pod_temporal_worker" {
  statement {
    actions   = ["dsql:DbConnect", "dsql:DbConnectAdmin"]
    resources = [aws_dsql_cluster.monitored.arn]
  }
}

resource "aws_iam_role_policy" "pod_temporal_worker" {
  name   = "stack"
  role   = aws_iam_role.pod["temporal-worker"].id
  policy = data.aws_iam_policy_document.pod_temporal_worker.json
}

data "aws_iam_policy_document" "pod_grafana" {
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
}

resource "aws_iam_role_policy" "pod_grafana" {
  name   = "stack"
  role   = aws_iam_role.pod["grafana"].id
  policy = data.aws_iam_policy_document.pod_grafana.json
}

data "aws_iam_policy_document" "pod_copilot_temporal" {
  statement {
    actions   = ["dsql:DbConnect", "dsql:DbConnectAdmin"]
    resources = [aws_dsql_cluster.copilot.arn]
  }
}

resource "aws_iam_role_policy" "pod_copilot_temporal" {
  name   = "stack"
  role   = aws_iam_role.pod["copilot-temporal"].id
  policy = data.aws_iam_policy_document.pod_copilot_temporal.json
}

data "aws_iam_policy_document" "pod_copilot_worker" {
  statement {
    actions   = ["dsql:DbConnect", "dsql:DbConnectAdmin"]
    resources = [aws_dsql_cluster.copilot.arn]
  }

  statement {
    actions   = ["bedrock:Retrieve"]
    resources = [aws_bedrockagent_knowledge_base.this.arn]
  }
}

resource "aws_iam_role_policy" "pod_copilot_worker" {
  name   = "stack"
  role   = aws_iam_role.pod["copilot-worker"].id
  policy = data.aws_iam_policy_document.pod_copilot_worker.json
}

data "aws_iam_policy_document" "pod_copilot_api" {
  statement {
    actions   = ["dsql:DbConnect", "dsql:DbConnectAdmin"]
    resources = [aws_dsql_cluster.copilot.arn]
  }

  statement {
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.profiles.arn]
  }

  statement {
    actions   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.profiles.arn}/*"]
  }
}

resource "aws_iam_role_policy" "pod_copilot_api" {
  name   = "stack"
  role   = aws_iam_role.pod["copilot-api"].id
  policy = data.aws_iam_policy_document.pod_copilot_api.json
}

data "aws_iam_policy_document" "pod_schema_monitored" {
  statement {
    actions   = ["dsql:DbConnect", "dsql:DbConnectAdmin"]
    resources = [aws_dsql_cluster.monitored.arn]
  }
}

resource "aws_iam_role_policy" "pod_schema_monitored" {
  name   = "stack"
  role   = aws_iam_role.pod["schema-monitored"].id
  policy = data.aws_iam_policy_document.pod_schema_monitored.json
}

data "aws_iam_policy_document" "pod_schema_copilot" {
  statement {
    actions   = ["dsql:DbConnect", "dsql:DbConnectAdmin"]
    resources = [aws_dsql_cluster.copilot.arn]
  }
}

resource "aws_iam_role_policy" "pod_schema_copilot" {
  name   = "stack"
  role   = aws_iam_role.pod["schema-copilot"].id
  policy = data.aws_iam_policy_document.pod_schema_copilot.json
}

data "aws_iam_policy_document" "pod_schema_copilot_app" {
  statement {
    actions   = ["dsql:DbConnect", "dsql:DbConnectAdmin"]
    resources = [aws_dsql_cluster.copilot.arn]
  }
}

resource "aws_iam_role_policy" "pod_schema_copilot_app" {
  name   = "stack"
  role   = aws_iam_role.pod["schema-copilot-app"].id
  policy = data.aws_iam_policy_document.pod_schema_copilot_app.json
}
