# To be sourced in the root of the sources. Sets commit, branch, time and origin, for the program's `version` and the
# labels of the image. A caller may set REVISION, BRANCH, CREATED and SOURCE.
#
# With git the time is that of the commit, so that one commit always gives the same bytes, and the commit of changed
# sources ends in `-dirty`. docker/Dockerfile has no git and only those files of .git that name the commit which is
# checked out. There the commit ends in `-unchecked`, because nothing tells whether sources were changed, and the time
# is that of the build. An archive of the sources gives them the time of their commit.

# Commit in the files of .git, without the objects.
commit_of_files() {
  head=$(cat .git/HEAD 2>/dev/null) || return 0
  ref=${head#ref: }
  if [ "$ref" = "$head" ]; then
    commit=$head
  else
    commit=$(cat ".git/$ref" 2>/dev/null || sed -n "s|^\([0-9a-f]*\) $ref\$|\1|p" .git/packed-refs 2>/dev/null || true)
  fi
  [ -z "$commit" ] || echo "$commit-unchecked"
}

branch_of_files() { sed -n 's|^ref: refs/heads/||p' .git/HEAD 2>/dev/null || true; }

# Where the sources come from, if that is a public address. Credentials in it are left out.
origin() { git remote get-url origin 2>/dev/null | sed -n 's|^https://\([^/@]*@\)\{0,1\}|https://|p' | sed 's|\.git$||'; }

if git rev-parse --verify -q HEAD >/dev/null 2>&1; then
  revision=${REVISION:-$(git describe --always --abbrev=40 --dirty --match '')}
  branch=${BRANCH:-$(git rev-parse --abbrev-ref HEAD)}
  epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
  source=${SOURCE:-$(origin)}
else
  revision=${REVISION:-$(commit_of_files)}
  branch=${BRANCH:-$(branch_of_files)}
  epoch=${SOURCE_DATE_EPOCH:-$(date -u -r Cargo.toml +%s)}
  source=${SOURCE:-}
fi
revision=${revision:-unknown}
branch=${branch:-unknown}
created=${CREATED:-$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)}
