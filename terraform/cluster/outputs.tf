# Generated from spec/stack.toml: edit that file, then run `gen render`.

output "region" {
  description = "The AWS region; fills AWS_REGION"
  value       = var.region
}

output "monitored_endpoint" {
  description = "DSQL endpoint of the monitored cluster; fills TEMPORAL_SQL_HOST"
  value       = "${aws_dsql_cluster.monitored.identifier}.dsql.${var.region}.on.aws"
}

output "copilot_endpoint" {
  description = "DSQL endpoint of the copilot's own cluster; fills COPILOT_DSQL_HOST"
  value       = "${aws_dsql_cluster.copilot.identifier}.dsql.${var.region}.on.aws"
}

output "knowledge_base_id" {
  description = "Id of the knowledge base; fills COPILOT_KNOWLEDGE_BASE_ID"
  value       = aws_bedrockagent_knowledge_base.this.id
}

output "data_source_id" {
  description = "Id of the knowledge base's data source"
  value       = aws_bedrockagent_data_source.this.data_source_id
}

output "knowledge_source_bucket" {
  description = "Bucket that the knowledge base reads"
  value       = aws_s3_bucket.knowledge_source.bucket
}

output "profiles_bucket" {
  description = "Bucket: Behaviour profiles of the copilot; fills COPILOT_PROFILE_S3_BUCKET"
  value       = aws_s3_bucket.profiles.bucket
}
