/**
 * Cassandra's grammar (CQL 3.4.7) as data, for error messages only. Which message a broken statement gets depends on
 * how the parser generator decides between alternatives, so `diagnose` replays those decisions over this text.
 *
 * Notation: upper-case words are tokens, keywords without their K_ but where that would name another token; lower-case
 * words are rules; `<A B>` is a set. `? *` as usual; `?!` and `*!` check what follows too before they pass over.
 * A leading `@` marks a choice made by table, which reads one token more; `[A]=>` an alternative that is tried out
 * before it is taken.
 */
export const GRAMMAR = `
query: cqlStatement ';'* EOF ;
cqlStatement: @ selectStatement | insertStatement | updateStatement | batchStatement | deleteStatement | useStatement
  | truncateStatement | createKeyspaceStatement | createTableStatement | createIndexStatement | dropKeyspaceStatement
  | dropTableStatement | dropIndexStatement | alterTableStatement | alterKeyspaceStatement
  | grantPermissionsStatement | revokePermissionsStatement | listPermissionsStatement | createUserStatement
  | alterUserStatement | dropUserStatement | listUsersStatement | createTriggerStatement | dropTriggerStatement
  | createTypeStatement | alterTypeStatement | dropTypeStatement | createFunctionStatement | dropFunctionStatement
  | createAggregateStatement | dropAggregateStatement | createRoleStatement | alterRoleStatement | dropRoleStatement
  | listRolesStatement | grantRoleStatement | revokeRoleStatement | createMaterializedViewStatement
  | dropMaterializedViewStatement | alterMaterializedViewStatement | describeStatement | addIdentityStatement
  | dropIdentityStatement ;
useStatement: USE keyspaceName ;
selectStatement: SELECT (@ [JSON selectClause]=> JSON)? selectClause FROM columnFamilyName (WHERE whereClause)?
  (GROUP BY unaliasedSelector (',' unaliasedSelector)*)? (ORDER BY orderByClause (',' orderByClause)*)?
  (PER PARTITION LIMIT intValue)? (LIMIT intValue)? (ALLOW FILTERING)? ;
selectClause: @ [DISTINCT selectors]=> DISTINCT selectors | selectors ;
selectors: selector (',' selector)* | '*' ;
selector: unaliasedSelector (AS noncol_ident)? ;
unaliasedSelector: selectionMultiplication ('+' selectionMultiplication | '-' selectionMultiplication)* ;
selectionMultiplication: selectionGroup ('*' selectionGroup | '/' selectionGroup | '%' selectionGroup)* ;
selectionGroup: @ [selectionGroupWithField]=> selectionGroupWithField | selectionGroupWithoutField
  | '-' selectionGroup ;
selectionGroupWithField: selectionGroupWithoutField selectorModifier ;
selectorModifier: '.' fident selectorModifier | '[' collectionSubSelection ']' selectorModifier | ;
collectionSubSelection: term (RANGE term?)? | RANGE term ;
selectionGroupWithoutField: @ simpleUnaliasedSelector | [selectionTypeHint]=> selectionTypeHint
  | selectionTupleOrNestedSelector | selectionList | selectionMapOrSet ;
selectionTypeHint: '(' comparatorType ')' selectionGroupWithoutField ;
selectionList: '[' (unaliasedSelector (',' unaliasedSelector)*)? ']' ;
selectionMapOrSet: '{' unaliasedSelector (selectionMap | selectionSet) '}' | '{' '}' ;
selectionMap: ':' unaliasedSelector (',' unaliasedSelector ':' unaliasedSelector)* ;
selectionSet: (',' unaliasedSelector)* ;
selectionTupleOrNestedSelector: '(' unaliasedSelector (',' unaliasedSelector)* ')' ;
simpleUnaliasedSelector: @ sident | selectionLiteral | selectionFunction ;
selectionFunction: @ COUNT '(' '*' ')' | MAXWRITETIME '(' sident selectorModifier ')'
  | WRITETIME '(' sident selectorModifier ')' | TTL '(' sident selectorModifier ')'
  | CAST '(' unaliasedSelector AS native_type ')' | functionName selectionFunctionArgs ;
selectionLiteral: constant | NULL | ':' noncol_ident | QMARK ;
selectionFunctionArgs: '(' (unaliasedSelector (',' unaliasedSelector)*)? ')' ;
sident: IDENT | QUOTED_NAME | unreserved_keyword ;
whereClause: relationOrExpression (AND relationOrExpression)* ;
relationOrExpression: relation | customIndexExpression ;
customIndexExpression: EXPR idxName ',' term ')' ;
orderByClause: cident (ANN OF term)? (ASC | DESC)? ;
insertStatement: INSERT INTO columnFamilyName (normalInsertStatement | JSON jsonInsertStatement) ;
normalInsertStatement: '(' cident (',' cident)* ')' VALUES '(' term (',' term)* ')' (IF NOT EXISTS)? usingClause? ;
jsonInsertStatement: jsonValue (DEFAULT (NULL | UNSET))? (IF NOT EXISTS)? usingClause? ;
jsonValue: STRING_LITERAL | ':' noncol_ident | QMARK ;
usingClause: USING usingClauseObjective (AND usingClauseObjective)* ;
usingClauseObjective: K_TIMESTAMP intValue | TTL intValue ;
updateStatement: UPDATE columnFamilyName usingClause? SET columnOperation (',' columnOperation)* WHERE whereClause
  (IF (EXISTS | updateConditions))? ;
updateConditions: columnCondition (AND columnCondition)* ;
deleteStatement: DELETE deleteSelection? FROM columnFamilyName usingClauseDelete? WHERE whereClause
  (IF (EXISTS | updateConditions))? ;
deleteSelection: deleteOp (',' deleteOp)* ;
deleteOp: @ cident | cident '[' term ']' | cident '.' fident ;
usingClauseDelete: USING K_TIMESTAMP intValue ;
batchStatement: BEGIN (UNLOGGED | COUNTER)? BATCH usingClause? (batchStatementObjective ';'?)* APPLY BATCH ;
batchStatementObjective: insertStatement | updateStatement | deleteStatement ;
createAggregateStatement: CREATE (OR REPLACE)? AGGREGATE (IF NOT EXISTS)? functionName
  '(' (comparatorType (',' comparatorType)*)? ')' SFUNC allowedFunctionName STYPE comparatorType
  (FINALFUNC allowedFunctionName)? (INITCOND term)? ;
dropAggregateStatement: DROP AGGREGATE (IF EXISTS)? functionName ('(' (comparatorType (',' comparatorType)*)? ')')? ;
createFunctionStatement: CREATE (OR REPLACE)? FUNCTION (IF NOT EXISTS)? functionName
  '(' (noncol_ident comparatorType (',' noncol_ident comparatorType)*)? ')' (RETURNS NULL | CALLED) ON NULL INPUT
  RETURNS comparatorType LANGUAGE IDENT AS STRING_LITERAL ;
dropFunctionStatement: DROP FUNCTION (IF EXISTS)? functionName ('(' (comparatorType (',' comparatorType)*)? ')')? ;
createKeyspaceStatement: CREATE KEYSPACE (IF NOT EXISTS)? keyspaceName WITH properties ;
createTableStatement: CREATE COLUMNFAMILY (IF NOT EXISTS)? columnFamilyName tableDefinition ;
tableDefinition: '(' tableColumns (',' tableColumns?)* ')' (WITH tableProperty (AND tableProperty)*)? ;
tableColumns: ident comparatorType STATIC? columnMask? (PRIMARY KEY)?
  | PRIMARY KEY '(' tablePartitionKey (',' ident)* ')' ;
columnMask: MASKED WITH functionName columnMaskArguments | MASKED WITH DEFAULT ;
columnMaskArguments: '(' ')' | '(' term (',' term)* ')' ;
tablePartitionKey: ident | '(' ident (',' ident)* ')' ;
tableProperty: property | COMPACT STORAGE
  | CLUSTERING ORDER BY '(' tableClusteringOrder (',' tableClusteringOrder)* ')' ;
tableClusteringOrder: ident (ASC | DESC) ;
createTypeStatement: CREATE TYPE (IF NOT EXISTS)? userTypeName '(' typeColumns (',' typeColumns?)* ')' ;
typeColumns: fident comparatorType ;
createIndexStatement: CREATE CUSTOM? INDEX (IF NOT EXISTS)? idxName? ON columnFamilyName
  '(' (indexIdent (',' indexIdent)*)? ')' (USING STRING_LITERAL)? (WITH properties)? ;
indexIdent: cident | VALUES '(' cident ')' | KEYS '(' cident ')' | ENTRIES '(' cident ')' | FULL '(' cident ')' ;
createMaterializedViewStatement: CREATE MATERIALIZED VIEW (IF NOT EXISTS)? columnFamilyName AS SELECT selectors
  FROM columnFamilyName (WHERE whereClause)? viewPrimaryKey (WITH viewProperty (AND viewProperty)*)? ;
viewPrimaryKey: PRIMARY KEY '(' viewPartitionKey (',' ident)* ')' ;
viewPartitionKey: ident | '(' ident (',' ident)* ')' ;
viewProperty: property | COMPACT STORAGE
  | CLUSTERING ORDER BY '(' viewClusteringOrder (',' viewClusteringOrder)* ')' ;
viewClusteringOrder: ident (ASC | DESC) ;
createTriggerStatement: CREATE TRIGGER (IF NOT EXISTS)? ident ON columnFamilyName USING STRING_LITERAL ;
dropTriggerStatement: DROP TRIGGER (IF EXISTS)? ident ON columnFamilyName ;
alterKeyspaceStatement: ALTER KEYSPACE (IF EXISTS)? keyspaceName WITH properties ;
alterTableStatement: ALTER COLUMNFAMILY (IF EXISTS)? columnFamilyName
  (@ ALTER cident TYPE comparatorType
  | ALTER (IF EXISTS)? cident (columnMask | DROP MASKED)
  | ADD (IF NOT EXISTS)? (ident comparatorType isStaticColumn columnMask?
    | '(' ident comparatorType isStaticColumn columnMask? (',' ident comparatorType isStaticColumn columnMask?)* ')')
  | DROP (IF EXISTS)? (ident | '(' ident (',' ident)* ')') (USING K_TIMESTAMP INTEGER)?
  | RENAME (IF EXISTS)? ident TO ident (AND ident TO ident)*
  | DROP COMPACT STORAGE
  | WITH properties) ;
isStaticColumn: STATIC? ;
alterMaterializedViewStatement: ALTER MATERIALIZED VIEW (IF EXISTS)? columnFamilyName WITH properties ;
alterTypeStatement: ALTER TYPE (IF EXISTS)? userTypeName
  (ALTER fident TYPE comparatorType | ADD (IF NOT EXISTS)? fident comparatorType
  | RENAME (IF EXISTS)? fident TO fident (AND fident TO fident)*) ;
dropKeyspaceStatement: DROP KEYSPACE (IF EXISTS)? keyspaceName ;
dropTableStatement: DROP COLUMNFAMILY (IF EXISTS)? columnFamilyName ;
dropTypeStatement: DROP TYPE (IF EXISTS)? userTypeName ;
dropIndexStatement: DROP INDEX (IF EXISTS)? indexName ;
dropMaterializedViewStatement: DROP MATERIALIZED VIEW (IF EXISTS)? columnFamilyName ;
truncateStatement: TRUNCATE COLUMNFAMILY? columnFamilyName ;
grantPermissionsStatement: GRANT permissionOrAll ON resource TO userOrRoleName ;
revokePermissionsStatement: REVOKE permissionOrAll ON resource FROM userOrRoleName ;
grantRoleStatement: GRANT userOrRoleName TO userOrRoleName ;
revokeRoleStatement: REVOKE userOrRoleName FROM userOrRoleName ;
listPermissionsStatement: LIST permissionOrAll (ON resource)? (OF roleName)? NORECURSIVE? ;
permission: <CREATE ALTER DROP SELECT MODIFY AUTHORIZE DESCRIBE EXECUTE UNMASK SELECT_MASKED> ;
permissionOrAll: ALL PERMISSIONS? | permission PERMISSION? (',' permission PERMISSION?)* ;
resource: @ dataResource | roleResource | functionResource | jmxResource ;
dataResource: ALL KEYSPACES | KEYSPACE keyspaceName | COLUMNFAMILY? columnFamilyName
  | ALL TABLES IN KEYSPACE keyspaceName ;
jmxResource: ALL MBEANS | MBEAN mbean | MBEANS mbean ;
roleResource: ALL ROLES | ROLE userOrRoleName ;
functionResource: ALL FUNCTIONS | ALL FUNCTIONS IN KEYSPACE keyspaceName
  | FUNCTION functionName '(' (comparatorType (',' comparatorType)*)? ')' ;
createUserStatement: CREATE USER (IF NOT EXISTS)? username (WITH userPassword)? (SUPERUSER | NOSUPERUSER)? ;
alterUserStatement: ALTER USER (IF EXISTS)? username (WITH userPassword)? (SUPERUSER | NOSUPERUSER)? ;
dropUserStatement: DROP USER (IF EXISTS)? username ;
addIdentityStatement: ADD IDENTITY (IF NOT EXISTS)? identity TO ROLE identity ;
dropIdentityStatement: DROP IDENTITY (IF EXISTS)? identity ;
listUsersStatement: LIST USERS ;
createRoleStatement: CREATE ROLE (IF NOT EXISTS)? userOrRoleName (WITH roleOptions)? ;
alterRoleStatement: ALTER ROLE (IF EXISTS)? userOrRoleName (WITH roleOptions)? ;
dropRoleStatement: DROP ROLE (IF EXISTS)? userOrRoleName ;
listRolesStatement: LIST ROLES (OF roleName)? NORECURSIVE? ;
roleOptions: roleOption (AND roleOption)* ;
roleOption: @ PASSWORD '=' STRING_LITERAL | HASHED PASSWORD '=' STRING_LITERAL | OPTIONS '=' fullMapLiteral
  | SUPERUSER '=' BOOLEAN | LOGIN '=' BOOLEAN | ACCESS TO ALL DATACENTERS
  | ACCESS TO DATACENTERS '{' dcPermission (',' dcPermission)* '}' | ACCESS FROM ALL CIDRS
  | ACCESS FROM CIDRS '{' cidrPermission (',' cidrPermission)* '}' ;
dcPermission: STRING_LITERAL ;
cidrPermission: STRING_LITERAL ;
userPassword: PASSWORD STRING_LITERAL | HASHED PASSWORD STRING_LITERAL ;
describeStatement: <DESCRIBE DESC> (@ [CLUSTER]=> CLUSTER | FULL? SCHEMA | [KEYSPACES]=> KEYSPACES
  | ONLY? KEYSPACE keyspaceName? | [TABLES]=> TABLES | COLUMNFAMILY columnFamilyName | INDEX columnFamilyName
  | MATERIALIZED VIEW columnFamilyName | [TYPES]=> TYPES | TYPE userTypeName | [FUNCTIONS]=> FUNCTIONS
  | FUNCTION functionName | [AGGREGATES]=> AGGREGATES | AGGREGATE functionName
  | (@ (IDENT | QUOTED_NAME | unreserved_keyword) '.')?! (IDENT | QUOTED_NAME | unreserved_keyword))
  (WITH INTERNALS)? ;
cident: EMPTY_QUOTED_NAME | ident ;
ident: IDENT | QUOTED_NAME | unreserved_keyword ;
fident: IDENT | QUOTED_NAME | unreserved_keyword ;
noncol_ident: IDENT | QUOTED_NAME | unreserved_keyword ;
keyspaceName: ksName ;
indexName: (@ ksName '.')?! idxName ;
columnFamilyName: (@ ksName '.')?! cfName ;
userTypeName: (noncol_ident '.')? non_type_ident ;
userOrRoleName: roleName ;
ksName: IDENT | QUOTED_NAME | unreserved_keyword | QMARK ;
cfName: IDENT | QUOTED_NAME | unreserved_keyword | QMARK ;
idxName: IDENT | QUOTED_NAME | unreserved_keyword | QMARK ;
roleName: IDENT | STRING_LITERAL | QUOTED_NAME | unreserved_keyword | QMARK ;
constant: STRING_LITERAL | INTEGER | FLOAT | BOOLEAN | K_DURATION_LITERAL | UUID | HEXNUMBER
  | (<POSITIVE_NAN NEGATIVE_NAN> | POSITIVE_INFINITY | NEGATIVE_INFINITY) ;
fullMapLiteral: '{' (term ':' term (',' term ':' term)*)? '}' ;
setOrMapLiteral: mapLiteral | setLiteral ;
setLiteral: (',' term)* ;
mapLiteral: ':' term (',' term ':' term)* ;
collectionLiteral: listLiteral | '{' term setOrMapLiteral '}' | '{' '}' ;
listLiteral: '[' (term (',' term)*)? ']' ;
usertypeLiteral: '{' fident ':' term (',' fident ':' term)* '}' ;
tupleLiteral: '(' term (',' term)* ')' ;
value: @ constant | collectionLiteral | usertypeLiteral | tupleLiteral | NULL | ':' noncol_ident | QMARK ;
intValue: INTEGER | ':' noncol_ident | QMARK ;
functionName: (@ keyspaceName '.')?! allowedFunctionName ;
allowedFunctionName: IDENT | QUOTED_NAME | unreserved_function_keyword | TOKEN | COUNT ;
function: @ functionName '(' ')' | functionName '(' functionArgs ')' ;
functionArgs: term (',' term)* ;
term: termAddition ;
termAddition: termMultiplication (@ '+' termMultiplication | '-' termMultiplication)*! ;
termMultiplication: termGroup ('*' termGroup | '/' termGroup | '%' termGroup)* ;
termGroup: simpleTerm | '-' simpleTerm ;
simpleTerm: @ value | function | '(' comparatorType ')' simpleTerm | CAST '(' simpleTerm AS native_type ')' ;
columnOperation: cident columnOperationDifferentiator ;
columnOperationDifferentiator: '=' normalColumnOperation | shorthandColumnOperation
  | '[' term ']' collectionColumnOperation | '.' fident udtColumnOperation ;
normalColumnOperation: @ term ('+' cident)? | cident <'+' '-'> term | cident INTEGER ;
shorthandColumnOperation: <'+=' '-='> term ;
collectionColumnOperation: '=' term ;
udtColumnOperation: '=' term ;
columnCondition: cident (relationType term | containsOperator term | IN (singleColumnInValues | inMarker)
  | '[' term ']' (relationType term | IN (singleColumnInValues | inMarker))
  | '.' fident (relationType term | IN (singleColumnInValues | inMarker))) ;
properties: property (AND property)* ;
property: @ noncol_ident '=' propertyValue | noncol_ident '=' fullMapLiteral ;
propertyValue: constant | unreserved_keyword ;
relationType: '=' | '<' | '<=' | '>' | '>=' | '!=' ;
relation: @ cident relationType term | cident LIKE term | cident IS NOT NULL
  | TOKEN tupleOfIdentifiers relationType term | cident IN inMarker | cident IN singleColumnInValues
  | cident containsOperator term | cident '[' term ']' relationType term
  | tupleOfIdentifiers (IN (@ '(' ')' | inMarkerForTuple | tupleOfTupleLiterals | tupleOfMarkersForTuples)
    | relationType tupleLiteral | relationType markerForTuple)
  | '(' relation ')' ;
containsOperator: CONTAINS KEY? ;
inMarker: QMARK | ':' noncol_ident ;
tupleOfIdentifiers: '(' cident (',' cident)* ')' ;
singleColumnInValues: '(' (term (',' term)*)? ')' ;
tupleOfTupleLiterals: '(' tupleLiteral (',' tupleLiteral)* ')' ;
markerForTuple: QMARK | ':' noncol_ident ;
tupleOfMarkersForTuples: '(' markerForTuple (',' markerForTuple)* ')' ;
inMarkerForTuple: QMARK | ':' noncol_ident ;
comparatorType: @ native_type | collection_type | tuple_type | vector_type | userTypeName
  | FROZEN '<' comparatorType '>' | STRING_LITERAL ;
native_type: ASCII | BIGINT | BLOB | K_BOOLEAN | COUNTER | DECIMAL | DOUBLE | K_DURATION | K_FLOAT | INET | INT
  | SMALLINT | TEXT | K_TIMESTAMP | TINYINT | K_UUID | VARCHAR | VARINT | TIMEUUID | DATE | TIME ;
collection_type: MAP '<' comparatorType ',' comparatorType '>' | LIST '<' comparatorType '>'
  | SET '<' comparatorType '>' ;
tuple_type: TUPLE '<' comparatorType (',' comparatorType)* '>' ;
vector_type: VECTOR '<' comparatorType ',' INTEGER '>' ;
username: IDENT | STRING_LITERAL | QUOTED_NAME ;
identity: IDENT | STRING_LITERAL | QUOTED_NAME ;
mbean: STRING_LITERAL ;
non_type_ident: IDENT | QUOTED_NAME | basic_unreserved_keyword | KEY ;
unreserved_keyword: unreserved_function_keyword
  | <TTL COUNT WRITETIME MAXWRITETIME KEY CAST JSON DISTINCT> ;
unreserved_function_keyword: basic_unreserved_keyword | native_type ;
basic_unreserved_keyword: <BASIC> ;
`
