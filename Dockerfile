# Two stages: the first builds the wheel, the second holds only what runs. No compiler, no root, nothing to write but /data.

FROM python:3.12-slim AS build
WORKDIR /src
COPY requirements-dev.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements-dev.lock
COPY pyproject.toml README.md LICENSE ./
COPY app ./app
COPY handlers ./handlers
COPY issue_templates ./issue_templates
RUN python -m build --no-isolation --wheel --outdir /dist

FROM python:3.12-slim
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PSPLAN_DATABASE_URL=sqlite:////data/psplan.sqlite3 \
    PSPLAN_LOG_FORMAT=json
COPY requirements.lock /tmp/requirements.lock
RUN pip install --no-cache-dir --require-hashes -r /tmp/requirements.lock
COPY --from=build /dist/ /tmp/dist/
RUN pip install --no-cache-dir --no-deps /tmp/dist/*.whl \
 && rm -r /tmp/dist /tmp/requirements.lock \
 && mkdir /data && chown 10001:10001 /data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=4)"]
ENTRYPOINT ["psplan"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
