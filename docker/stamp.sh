# Sourced: which sources these are, for the program's `version` and the image's labels. The commit's time, not now:
# the same commit gives the same bytes. docker/Dockerfile, which sees no .git, passes them in.
revision=${REVISION:-$(git describe --always --abbrev=40 --dirty --match '' 2>/dev/null || echo unknown)}
branch=${BRANCH:-$(git rev-parse --abbrev-ref HEAD 2>/dev/null || echo unknown)}
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
created=${CREATED:-$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)}
