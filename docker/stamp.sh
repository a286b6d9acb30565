# To be sourced. Sets commit, branch and time, for the program's `version` and the labels of the image. The time is that
# of the commit, so that one commit always gives the same bytes. docker/Dockerfile has no .git and passes the values in.
revision=${REVISION:-$(git describe --always --abbrev=40 --dirty --match '' 2>/dev/null || echo unknown)}
branch=${BRANCH:-$(git rev-parse --abbrev-ref HEAD 2>/dev/null || echo unknown)}
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
created=${CREATED:-$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)}
