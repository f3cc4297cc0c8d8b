# Generated from spec/stack.toml: edit that file, then run `gen render`.
{%- for output in infrastructure.outputs %}

output {= output.name|lit =} {
  description = {= output.described()|lit =}
  value       = {% match output.value %}
  {%- when OutputValue::Region %}var.region
  {%- when OutputValue::DsqlEndpoint(label) %}"${aws_dsql_cluster.{= label|identifier =}.identifier}.dsql.${var.region}.on.aws"
  {%- when OutputValue::KnowledgeBaseId %}aws_bedrockagent_knowledge_base.this.id
  {%- when OutputValue::DataSourceId %}aws_bedrockagent_data_source.this.data_source_id
  {%- when OutputValue::BucketName(label) %}aws_s3_bucket.{= label|identifier =}.bucket
  {%- endmatch %}
}
{%- endfor %}
