#!/usr/bin/env bash
# The commit REF of REPOSITORY, in the folder INTO of the workspace.
set -euo pipefail
case "/$REPOSITORY/$INTO/" in */../*) echo "::error::$REPOSITORY in $INTO: outside of the lab" && exit 1 ;; esac
source="$CODEB_LAB_REPOSITORIES/$REPOSITORY"
folder="$GITHUB_WORKSPACE/$INTO"
mkdir -p "$folder" && cd "$folder"
find . -mindepth 1 -delete # as checkout's clean
git init --quiet --initial-branch main
git remote add origin "$source"
git fetch --quiet --no-tags origin '+refs/heads/*:refs/remotes/origin/*' '+refs/pull/*:refs/remotes/pull/*'
for name in "refs/remotes/origin/$REF" "${REF/#refs\/heads\//refs/remotes/origin/}" "${REF/#refs\/pull\//refs/remotes/pull/}" "$REF"; do
    if commit=$(git rev-parse --verify --quiet --end-of-options "$name^{commit}"); then
        git checkout --quiet --detach "$commit"
        echo "commit=$commit" >>"$GITHUB_OUTPUT"
        echo "$REPOSITORY at $commit"
        exit 0
    fi
done
echo "::error::$REPOSITORY has no commit $REF"
exit 1
