#!/usr/bin/env bash
# Comments on the pull request with ${RUNNER_TEMP}/review.md, or updates the comment of the last run: the one that ends
# with the marker and was written by the author of this token. A comment of anyone else is never touched, whatever it
# ends with.
set -euo pipefail

marker='<!-- gen review -->'
body="${RUNNER_TEMP}/gen-comment.md"
# GitHub accepts 65,536 characters.
if (($(wc -c <"${RUNNER_TEMP}/review.md") < 65000)); then
  cat "${RUNNER_TEMP}/review.md" >"${body}"
else
  run="${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}"
  printf 'The review is too long for a comment: see the [summary of the run](%s).\n' "${run}" >"${body}"
fi
printf '\n%s\n' "${marker}" >>"${body}"

# shellcheck disable=SC2016 # GraphQL's variables.
comments='query($owner: String!, $name: String!, $number: Int!, $endCursor: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      comments(first: 100, after: $endCursor) {
        nodes { id body viewerDidAuthor }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}'
known="$(
  gh api graphql --paginate --raw-field "query=${comments}" --raw-field "owner=${GITHUB_REPOSITORY%%/*}" \
    --raw-field "name=${GITHUB_REPOSITORY#*/}" --field "number=${NUMBER}" --jq '
      .data.repository.pullRequest.comments.nodes[]
      | select(.viewerDidAuthor and (.body | test("<!-- gen review -->\\s*$"))) | .id'
)"
known="${known%%$'\n'*}"
if [[ -n "${known}" ]]; then
  # shellcheck disable=SC2016
  update='mutation($id: ID!, $body: String!) {
    updateIssueComment(input: { id: $id, body: $body }) { issueComment { id } }
  }'
  gh api graphql --silent --raw-field "query=${update}" --raw-field "id=${known}" --field "body=@${body}"
else
  gh api --method POST "repos/${GITHUB_REPOSITORY}/issues/${NUMBER}/comments" --field "body=@${body}" --silent
fi
