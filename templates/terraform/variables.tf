# Generated from spec/stack.toml: edit that file, then run `gen render`.

variable "project_name" {
  description = "Prefix of every name, and the value of the Project tag"
  type        = string
  default     = {= infrastructure.project|lit =}

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,23}$", var.project_name))
    error_message = "At most 24 lowercase letters, digits and dashes: bucket names begin with it."
  }
}

variable "region" {
  description = "AWS region of everything here"
  type        = string
  default     = {= infrastructure.region|lit =}
}
{%- if let Some(pods) = infrastructure.pods %}

variable "eks_cluster" {
  description = "EKS cluster that runs the pods"
  type        = string
  default     = {= pods.cluster|lit =}
}
{%- endif %}
