/* cmd: the commands of ddb, as the table in main.c has them.  Each reads its own argv and returns an exit code. */
#ifndef DDB_CMD_H
#define DDB_CMD_H

int bench_run(int argc, char **argv);
int call_run(int argc, char **argv);
int collect_run(int argc, char **argv);                  /* ddb metrics */
int data_create_run(int argc, char **argv);
int data_del_run(int argc, char **argv);
int data_desc_run(int argc, char **argv);
int data_drop_run(int argc, char **argv);
int data_dump_run(int argc, char **argv);
int data_get_run(int argc, char **argv);
int data_index_run(int argc, char **argv);
int data_load_run(int argc, char **argv);
int data_put_run(int argc, char **argv);
int data_query_run(int argc, char **argv);
int data_scan_run(int argc, char **argv);
int data_tables_run(int argc, char **argv);
int data_tag_run(int argc, char **argv);
int data_transact_run(int argc, char **argv);
int data_ttl_run(int argc, char **argv);
int data_update_run(int argc, char **argv);
int down_run(int argc, char **argv);
int env_run(int argc, char **argv);
int status_run(int argc, char **argv);
int up_run(int argc, char **argv);

#endif
