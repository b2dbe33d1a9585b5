#!/bin/sh
# Upload a folder, invalidate exactly what that changed, and wait until it is live:
#
#     ./deploy.sh FOLDER BUCKET FUNCTION [option of `aws s3 sync`]...
#
# Fails where the upload or an invalidation does. What a failed upload has changed is invalidated all the same.
set -eu

folder=$1 bucket=$2 function=$3
shift 3
for option in "$@"; do
  case $option in
    --q* | --only* | --dry*)
      echo "$option: the keys to invalidate are read from what aws s3 sync prints of the upload" >&2
      exit 2
      ;;
  esac
done
export LC_ALL=C.UTF-8 # elsewhere the command line may print ? for a letter that is not ASCII
# Bytes of keys in one request, of which Lambda takes 6 MB (Lambda quotas, "Invocation payload", synchronous), and the number
# of keys, of which the function takes 50,000.
most=${REQUEST_BYTES:-5000000}
most_keys=50000
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

(cd "$folder" && aws s3 sync . "s3://$bucket" --no-progress "$@") >"$work/sync" || failed=1
cat "$work/sync"

# The lines are `upload: LOCAL to s3://BUCKET/KEY`, where LOCAL is the key, or ./ and the key at the top of the folder,
# and `delete: s3://BUCKET/KEY`. A name may hold " to s3://" itself: the key is the text that stands at both places.
LC_ALL=C awk -v bucket="$bucket" -v most="$most" -v most_keys="$most_keys" -v work="$work" '
  function uploaded(line, before,    key) {
    key = substr(line, length(line) - (length(line) - length(before) - length(between)) / 2 + 1)
    return line == before key between key ? key : ""
  }
  function json(text,    at, char, escaped) {
    gsub(/\\/, "&&", text)
    gsub(/"/, "\\\\&", text)
    if (text !~ /[[:cntrl:]]/) return "\"" text "\""
    for (at = 1; at <= length(text); at++) {
      char = substr(text, at, 1)
      escaped = escaped (char in code ? code[char] : char)
    }
    return "\"" escaped "\""
  }
  BEGIN {
    between = " to s3://" bucket "/"
    deleted = "delete: s3://" bucket "/"
    for (at = 1; at < 32; at++) code[sprintf("%c", at)] = sprintf("\\u%04x", at)
  }
  {
    key = ""
    if (index($0, deleted) == 1) key = substr($0, length(deleted) + 1)
    if (key == "") key = uploaded($0, "upload: ./")
    if (key == "") key = uploaded($0, "upload: ")
    if (key == "") {
      print "not invalidated, for this line of aws s3 sync holds no key: " $0 >"/dev/stderr"
      unread = 1
      next
    }
    key = json(key)
    if (request != "" && (size + length(key) > most || keys == most_keys)) {
      print "]}" >request
      close(request)
      request = ""
    }
    if (request == "") {
      request = sprintf("%s/%06d.json", work, ++requests)
      printf "{\"bucket\": %s, \"wait\": true, \"keys\": [", json(bucket) >request
      size = keys = 0
    } else printf ", " >request
    printf "%s", key >request
    size += length(key) + 2
    keys++
  }
  END {
    if (request != "") print "]}" >request
    exit unread
  }
' "$work/sync" || failed=1

for request in "$work"/*.json; do
  [ -e "$request" ] || break # nothing has changed
  echo '{}' >"$work/answer"
  # A function that fails answers, too: the command line succeeds, and says FunctionError.
  error=$(aws lambda invoke --function-name "$function" --payload "fileb://$request" --cli-read-timeout 0 \
    --query FunctionError --output text "$work/answer") || error=failed
  cat "$work/answer"
  echo
  if [ "$error" != None ]; then
    failed=1
  elif ! grep -q '"completed": true' "$work/answer"; then
    echo "accepted by CloudFront, but not complete when the function's time was over" >&2
    failed=1
  fi
done
exit $failed
